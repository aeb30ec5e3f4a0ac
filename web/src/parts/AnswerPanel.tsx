import type { Panel } from "../state/panel";
import { Classified } from "./Classified";
import { Growing } from "./Growing";
import { ProblemNote } from "./ProblemNote";
import { Written } from "./Written";
import { useExplorer } from "./context";

/** One model's answer. */
export function AnswerPanel({ panel }: { panel: Panel }) {
  const explorer = useExplorer();
  const problem = panel.problem.value;
  const result = panel.result.value;
  return (
    <section class="answer" aria-label={panel.index === 0 ? "Answer" : "Second answer"} aria-busy={isBusy(panel)}>
      <PanelTitle panel={panel} />
      {problem && !problem.needsKey && <ProblemNote problem={problem} retry={() => void explorer.ask()} />}
      {problem?.needsKey && <ProblemNote problem={problem} />}
      {panel.partial.value || panel.phase.value === "waiting" ? <Growing panel={panel} /> : null}
      {result && <Parts panel={panel} />}
      {result?.kind === "written" && panel.hypothesis.value && <Written panel={panel} result={result} />}
      {result?.kind === "classified" && <Classified panel={panel} result={result} />}
    </section>
  );
}

function isBusy(panel: Panel): boolean {
  return panel.phase.value === "waiting" || panel.phase.value === "growing";
}

function PanelTitle({ panel }: { panel: Panel }) {
  const answer = panel.answer.value;
  if (!answer) return null;
  const kinds = [...new Set((answer.model?.attention ?? []).map((kind) => kind.name.replaceAll("_", " ")))].join(", ");
  const seconds = Number.parseFloat(answer.timings?.totalDuration ?? "");
  return (
    <h2>
      {answer.version.name} <span class="note">version {answer.version.version}</span>
      {kinds && <span class="note"> · {kinds} attention</span>}
      {Number.isFinite(seconds) && <span class="note"> · {(seconds * 1000).toFixed(0)} ms in the gateway</span>}
    </h2>
  );
}

/** Sentences, or texts, of which the answer has several. */
function Parts({ panel }: { panel: Panel }) {
  const results = panel.answer.value?.results ?? [];
  if (results.length < 2) return null;
  return (
    <nav class="parts" aria-label="Parts of the text">
      {results.map((result, index) => (
        <button
          key={index}
          type="button"
          class="chip"
          aria-current={panel.resultIndex.value === index ? "true" : undefined}
          onClick={() => panel.choose(index, 0)}
        >
          <bdi>{result.text.trim() || `picture ${index + 1}`}</bdi>
        </button>
      ))}
    </nav>
  );
}
