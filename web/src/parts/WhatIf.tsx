import { useSignal, useSignalEffect } from "@preact/signals";
import { type Problem, asProblem } from "../api/problems";
import type { Token } from "../api/messages";
import { CodePoints } from "../answer/text";
import { asPercent, labelOf } from "../draw/labels";
import { type Alternative, alternatives } from "../state/asking";
import type { Panel } from "../state/panel";
import { ProblemNote } from "./ProblemNote";
import { useExplorer } from "./context";

/** Another word in the place of one that was chosen: the rest is generated again. */
export function WhatIf({ panel }: { panel: Panel }) {
  const explorer = useExplorer();
  const row = panel.pinned.value?.row;
  const token = row === undefined ? undefined : panel.attention.value?.rows[row];
  const isPart = (panel.answer.value?.results.length ?? 0) > 1;
  if (explorer.isSaved || token === undefined || panel.pinned.value?.column !== undefined) return null;
  if (isPart) return <p class="note">To try another word, ask for this sentence alone.</p>;
  const beginning = new CodePoints(panel.hypothesis.value?.text ?? "").slice(0, token.beginOffset).trimEnd();
  return (
    <section class="what-if" aria-label="What if" data-part="what-if">
      <h3>
        {beginning ? (
          <>
            What if “<bdi>{labelOf(token)}</bdi>” were something else?
          </>
        ) : (
          "What if the output began otherwise?"
        )}
      </h3>
      <Alternatives key={`${row} ${beginning}`} panel={panel} beginning={beginning} current={firstPiece(panel, token)} />
      <OwnWord panel={panel} beginning={beginning} />
    </section>
  );
}

/** The piece that the output has there now. */
function firstPiece(panel: Panel, word: Token): number | undefined {
  const tokens = panel.hypothesis.value?.tokens ?? [];
  if (word.kind === "TOKEN_KIND_END") return tokens.at(-1)?.id;
  return tokens.find((token) => token.endOffset > word.beginOffset)?.id;
}

function Alternatives({ panel, beginning, current }: { panel: Panel; beginning: string; current: number | undefined }) {
  const explorer = useExplorer();
  const found = useSignal<Alternative[] | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const hasBeam = (panel.asked?.model?.maxBeamWidth ?? 1) > 1;
  useSignalEffect(() => {
    if (!hasBeam) return;
    const asked = new AbortController();
    alternatives(explorer.gateway, panel, explorer.question(panel), beginning, asked.signal).then(
      (list) => (found.value = list),
      (error: unknown) => asked.signal.aborted || (problem.value = asProblem(error)),
    );
    return () => asked.abort();
  });
  if (!hasBeam) return <p class="note">This model has no beam search, which would tell its alternatives.</p>;
  if (problem.value) return <ProblemNote problem={problem.value} />;
  if (!found.value) return <p class="note">Asking what else it could be …</p>;
  return (
    <>
      <p class="note">The most probable next pieces, and how probable each is here:</p>
      <ul class="alternatives">
        {found.value.map((each) => (
          <li key={each.id}>
            <button type="button" class="chip" aria-current={each.id === current ? "true" : undefined} disabled={!each.prefix} onClick={() => explorer.force(panel, each.prefix)}>
              <bdi>{each.isEnd ? "⟨end⟩" : each.text.trim() || "␣"}</bdi> <span class="note">{asPercent(each.probability)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function OwnWord({ panel, beginning }: { panel: Panel; beginning: string }) {
  const explorer = useExplorer();
  const own = useSignal("");
  const force = (): void => {
    if (own.value.trim()) explorer.force(panel, beginning ? `${beginning} ${own.value.trim()}` : own.value.trim());
  };
  return (
    <div class="own-word">
      <label>
        <span class="label">Or your own</span>
        <input
          type="text"
          dir="auto"
          value={own.value}
          onInput={(event) => (own.value = event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && force()}
        />
      </label>
      <button type="button" onClick={force}>
        Generate the rest
      </button>
    </div>
  );
}
