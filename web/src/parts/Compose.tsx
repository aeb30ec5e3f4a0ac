import type { Model } from "../api/messages";
import { taskOf } from "../state/fields";
import { KeyField } from "./KeyField";
import { ModelChoice } from "./ModelChoice";
import { Options } from "./Options";
import { PictureField } from "./PictureField";
import { ProblemNote } from "./ProblemNote";
import { useExplorer } from "./context";

export function Compose() {
  const explorer = useExplorer();
  const model = explorer.modelOf(explorer.panels[0]);
  const isBusy = explorer.panels.some(({ phase }) => phase.value === "waiting" || phase.value === "growing");
  const problem = explorer.modelsProblem.value;
  const asksForKey = problem?.needsKey || explorer.panels.some((panel) => panel.problem.value?.needsKey) || explorer.gateway.apiKey !== "";
  const submit = (event: Event): void => {
    event.preventDefault();
    if (taskOf(model) === "caption" && !explorer.hasSource()) return; // the picture's field says why
    void explorer.ask();
  };
  return (
    <form class="compose card" onSubmit={submit} aria-label="Ask a model">
      {problem && <ProblemNote problem={problem} retry={() => void explorer.loadModels()} />}
      {asksForKey && <KeyField />}
      <Source model={model} submit={submit} />
      <div class="compose-row">
        <ModelChoice index={0} />
        {explorer.fields.value.model2 !== "" && <ModelChoice index={1} />}
        <Compare />
        <span class="grow" />
        {isBusy && (
          <button type="button" class="quiet" onClick={() => explorer.stop()}>
            Stop
          </button>
        )}
        <button type="submit" class="main" disabled={explorer.models.value.length === 0}>
          {taskOf(model) === "classify" ? "Classify" : taskOf(model) === "caption" ? "Read" : "Generate"}
        </button>
      </div>
      {model && !model.ready && (
        <p role="status" class="note">
          This model cannot answer now: {model.statusMessage}. The page looks again by itself.
        </p>
      )}
      {model?.card?.description && <p class="note">{model.card.description}</p>}
      {taskOf(model) !== "classify" && <Options model={model} />}
    </form>
  );
}

function Source({ model, submit }: { model: Model | undefined; submit: (event: Event) => void }) {
  const explorer = useExplorer();
  if (taskOf(model) === "caption") return <PictureField />;
  return (
    <label class="field">
      <span class="label">Text</span>
      <textarea
        rows={2}
        dir="auto"
        required
        spellcheck={false}
        autocapitalize="off"
        placeholder="Type a text for the model; Ctrl+Enter asks"
        value={explorer.fields.value.text}
        onInput={(event) => explorer.set({ text: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
        }}
      />
    </label>
  );
}

/** A second model for the same text. */
function Compare() {
  const explorer = useExplorer();
  const { models, fields } = explorer;
  const task = taskOf(explorer.modelOf(explorer.panels[0]));
  if (fields.value.model2 !== "") {
    return (
      <button type="button" class="quiet" onClick={() => explorer.set({ model2: "", version2: "" })}>
        Compare no more
      </button>
    );
  }
  const other =
    models.value.find((model) => model.name !== fields.value.model && taskOf(model) === task) ??
    models.value.find((model) => model.name === fields.value.model);
  if (other === undefined) return null;
  return (
    <button type="button" class="quiet" onClick={() => explorer.set({ model2: other.name })}>
      Compare
    </button>
  );
}
