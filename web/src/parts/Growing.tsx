import { directionOf } from "../answer/text";
import type { Panel } from "../state/panel";

/** The output so far. */
export function Growing({ panel }: { panel: Panel }) {
  const text = panel.partial.value?.text ?? "";
  return (
    <div class="card growing" data-part="growing">
      <p class="unseen" role="status">
        {text === "" ? "Waiting for the model" : "The output is being generated"}
      </p>
      <p class="output" dir={directionOf(text)}>
        {text}
        <span class="caret" aria-hidden="true" />
      </p>
    </div>
  );
}
