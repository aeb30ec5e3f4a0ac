import { taskOf } from "../state/fields";
import { useExplorer } from "./context";

/** Chooses a model and one of its versions. */
export function ModelChoice({ index }: { index: 0 | 1 }) {
  const explorer = useExplorer();
  const fields = explorer.fields.value;
  const [name, version] = index === 0 ? [fields.model, fields.version] : [fields.model2, fields.version2];
  const first = taskOf(explorer.modelOf(explorer.panels[0]));
  const models = explorer.models.value.filter((model) => index === 0 || taskOf(model) === first);
  const model = models.find((each) => each.name === name);
  const set = (chosen: string, chosenVersion: string): void => {
    if (index === 0) explorer.set({ model: chosen, version: chosenVersion });
    else explorer.set({ model2: chosen, version2: chosenVersion });
  };
  const labels = [...new Set((model?.versions ?? []).flatMap((each) => each.labels ?? []))];
  return (
    <fieldset class="model-choice">
      <legend class="unseen">{index === 0 ? "Model" : "Second model"}</legend>
      <label>
        <span class="label">{index === 0 ? "Model" : "Compared with"}</span>
        <select value={name} onChange={(event) => set(event.currentTarget.value, "")}>
          {models.map((each) => (
            <option key={each.name} value={each.name}>
              {each.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="label">Version</span>
        <select value={version} onChange={(event) => set(name, event.currentTarget.value)}>
          <option value="">newest</option>
          {labels.map((label) => (
            <option key={label} value={label}>
              {label}
            </option>
          ))}
          {(model?.readyVersions ?? []).map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}
