import type { Model } from "../api/messages";
import type { Unit } from "../answer/answer";

/** What the form holds, as texts; what is empty takes the model's default. */
export const FIELD_DEFAULTS = {
  text: "",
  model: "",
  version: "",
  model2: "",
  version2: "",
  search: "greedy",
  beamWidth: "5",
  numHypotheses: "3",
  lengthPenalty: "",
  coveragePenalty: "",
  noRepeatNgramSize: "",
  temperature: "",
  topK: "",
  topP: "",
  seed: "1",
  maxLength: "",
  minLength: "",
  prefix: "",
  split: "",
};

export type Fields = typeof FIELD_DEFAULTS;

/** What a model does, which decides how it is asked and shown. */
export type Task = "generate" | "classify" | "caption";

export function taskOf(model: Model | undefined): Task {
  if (model?.image !== undefined) return "caption";
  return model !== undefined && model.classLabels.length > 0 ? "classify" : "generate";
}

export function selectorOf(name: string, version: string): Record<string, string> {
  if (version === "") return { name };
  return /^\d+$/.test(version) ? { name, version } : { name, label: version };
}

/** GenerateOptions as the form has them. */
export function optionsOf(fields: Fields, unit: Unit): Record<string, unknown> {
  const options: Record<string, unknown> = { attention: levelOf(unit) };
  put(options, "maxLength", fields.maxLength);
  put(options, "minLength", fields.minLength);
  if (fields.prefix) options["prefix"] = fields.prefix;
  if (fields.search === "beam") {
    for (const name of ["beamWidth", "numHypotheses", "lengthPenalty", "coveragePenalty", "noRepeatNgramSize"] as const) {
      put(options, name, fields[name]);
    }
  }
  if (fields.search === "sample") {
    const sampling: Record<string, unknown> = {};
    for (const name of ["temperature", "topK", "topP", "seed"] as const) put(sampling, name, fields[name]);
    options["sampling"] = sampling;
  }
  return options;
}

export function levelOf(unit: Unit): string {
  return unit === "words" ? "ATTENTION_LEVEL_WORDS" : "ATTENTION_LEVEL_PIECES";
}

/** What is no number is sent as it is: the gateway says what is wrong with it. */
function put(options: Record<string, unknown>, name: string, value: string): void {
  if (value.trim() === "") return;
  const number = Number(value);
  options[name] = Number.isFinite(number) ? number : value;
}
