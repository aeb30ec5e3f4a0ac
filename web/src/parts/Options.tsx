import type { Model } from "../api/messages";
import { FIELD_DEFAULTS, type Fields } from "../state/fields";
import { useExplorer } from "./context";

interface NumberField {
  name: keyof Fields;
  label: string;
  hint: string;
  min?: number;
  max?: number;
  step?: number | "any";
}

export function Options({ model }: { model: Model | undefined }) {
  const explorer = useExplorer();
  const fields = explorer.fields.value;
  const widest = model?.maxBeamWidth ?? 1;
  const changed = changedNames(fields);
  return (
    <details class="options">
      <summary>
        Options{changed.length > 0 && <strong>: {changed.join(", ")}</strong>}
      </summary>
      <div class="option-grid">
        <label>
          <span class="label">Search</span>
          <select value={fields.search} onChange={(event) => explorer.set({ search: event.currentTarget.value })}>
            <option value="greedy">greedy: the most probable token each time</option>
            {widest > 1 && <option value="beam">beam: the best of many outputs</option>}
            {model?.signatures.includes("sample") !== false && <option value="sample">sample: drawn at random</option>}
          </select>
        </label>
        {numberFields(fields, model).map((field) => (
          <NumberInput key={field.name} field={field} />
        ))}
        {!model?.image && (
          <label class="check">
            <input type="checkbox" checked={fields.split !== ""} onChange={(event) => explorer.set({ split: event.currentTarget.checked ? "1" : "" })} />
            <span>Sentence by sentence</span>
          </label>
        )}
        <label class="wide">
          <span class="label">Forced beginning of the output</span>
          <input type="text" dir="auto" value={fields.prefix} onInput={(event) => explorer.set({ prefix: event.currentTarget.value })} />
        </label>
      </div>
    </details>
  );
}

function NumberInput({ field }: { field: NumberField }) {
  const explorer = useExplorer();
  const { name, label, hint, ...limits } = field;
  return (
    <label>
      <span class="label">{label}</span>
      <input
        type="number"
        inputMode="decimal"
        placeholder={hint}
        value={explorer.fields.value[name]}
        {...limits}
        onInput={(event) => explorer.set({ [name]: event.currentTarget.value })}
      />
    </label>
  );
}

function numberFields(fields: Fields, model: Model | undefined): NumberField[] {
  const longest = model?.maxTargetTokens ?? 0;
  const found: NumberField[] = [
    { name: "maxLength", label: "Longest output, tokens", hint: String(longest), min: 1, max: longest, step: 1 },
    { name: "minLength", label: "Shortest output, tokens", hint: "0", min: 0, max: longest, step: 1 },
  ];
  if (fields.search === "beam") {
    found.unshift(
      { name: "beamWidth", label: "Beam width", hint: "5", min: 1, max: model?.maxBeamWidth, step: 1 },
      { name: "numHypotheses", label: "Hypotheses", hint: "1", min: 1, max: model?.maxBeamWidth, step: 1 },
      { name: "lengthPenalty", label: "Length penalty", hint: "0", min: 0, max: 10, step: "any" },
      { name: "coveragePenalty", label: "Coverage penalty", hint: "0", min: 0, max: 10, step: "any" },
      { name: "noRepeatNgramSize", label: "No n-gram twice, n", hint: "0: off", min: 0, max: longest, step: 1 },
    );
  }
  if (fields.search === "sample") {
    found.unshift(
      { name: "temperature", label: "Temperature", hint: "1", min: 0.01, max: 100, step: "any" },
      { name: "topK", label: "Top k", hint: "0: all", min: 0, step: 1 },
      { name: "topP", label: "Top p", hint: "1", min: 0, max: 1, step: "any" },
      { name: "seed", label: "Seed", hint: "drawn", step: 1 },
    );
  }
  return found;
}

function changedNames(fields: Fields): string[] {
  const found: string[] = [];
  if (fields.search !== FIELD_DEFAULTS.search) found.push(fields.search);
  if (fields.prefix) found.push(`begins with “${fields.prefix}”`);
  if (fields.maxLength) found.push(`at most ${fields.maxLength} tokens`);
  if (fields.minLength) found.push(`at least ${fields.minLength} tokens`);
  if (fields.split) found.push("sentence by sentence");
  return found;
}
