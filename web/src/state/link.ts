import { FIELD_DEFAULTS, type Fields } from "./fields";
import { type HeadChoice, MODEL_AVERAGE, type Panel } from "./panel";
import type { Unit } from "../answer/answer";

/** What a link restores beside the form. */
export interface Looks {
  unit: Unit;
  threshold: number;
  stretch: boolean | undefined;
}

type Parameters = Record<string, string>;

/** The whole view as short texts; what is as it was at first is left out. */
export function viewParameters(fields: Fields, looks: Looks, panels: readonly Panel[]): Parameters {
  const parameters: Parameters = {};
  for (const name of Object.keys(FIELD_DEFAULTS) as (keyof Fields)[]) {
    if (fields[name] !== FIELD_DEFAULTS[name]) parameters[name] = fields[name];
  }
  if (looks.unit !== "words") parameters["unit"] = looks.unit;
  if (looks.threshold > 0) parameters["threshold"] = String(looks.threshold);
  if (looks.stretch !== undefined) parameters["stretch"] = looks.stretch ? "1" : "0";
  for (const panel of panels) addPanel(parameters, panel);
  return parameters;
}

function addPanel(parameters: Parameters, panel: Panel): void {
  const suffix = panel.index === 0 ? "" : "2";
  const { layer, head } = panel.head.value;
  const { row, column } = panel.pinned.value ?? {};
  if (panel.resultIndex.value > 0) parameters[`part${suffix}`] = String(panel.resultIndex.value);
  if (panel.hypothesisIndex.value > 0) parameters[`hypothesis${suffix}`] = String(panel.hypothesisIndex.value);
  if (layer !== "average") parameters[`head${suffix}`] = `${layer}.${head}`;
  if (panel.showsHeads.value) parameters[`heads${suffix}`] = "1";
  if (row !== undefined || column !== undefined) parameters[`at${suffix}`] = `${row ?? ""}.${column ?? ""}`;
}

export function readFields(parameters: Parameters): Fields {
  const fields = { ...FIELD_DEFAULTS };
  for (const name of Object.keys(fields) as (keyof Fields)[]) fields[name] = parameters[name] ?? fields[name];
  return fields;
}

export function readLooks(parameters: Parameters): Looks {
  const threshold = Number(parameters["threshold"] ?? 0);
  return {
    unit: parameters["unit"] === "pieces" ? "pieces" : "words",
    threshold: threshold > 0 && threshold <= 1 ? threshold : 0,
    stretch: parameters["stretch"] === undefined ? undefined : parameters["stretch"] === "1",
  };
}

/** Restores what a panel looked at, once its answer is there. */
export function restorePanel(parameters: Parameters, panel: Panel): void {
  const suffix = panel.index === 0 ? "" : "2";
  panel.resultIndex.value = wholeNumber(parameters[`part${suffix}`]) ?? 0;
  panel.hypothesisIndex.value = wholeNumber(parameters[`hypothesis${suffix}`]) ?? 0;
  panel.head.value = readHead(parameters[`head${suffix}`]);
  panel.showsHeads.value = parameters[`heads${suffix}`] === "1";
  const [row, column] = (parameters[`at${suffix}`] ?? "").split(".").map(wholeNumber);
  panel.pinned.value = row === undefined && column === undefined ? undefined : { row, column };
}

function readHead(text: string | undefined): HeadChoice {
  const [layer, head] = (text ?? "").split(".");
  const number = layer === "all" ? "all" : wholeNumber(layer);
  return number === undefined ? MODEL_AVERAGE : { layer: number, head: wholeNumber(head) ?? "mean" };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** The part of a link behind #: browsers send it to no server. */
export function asFragment(parameters: Parameters): string {
  return new URLSearchParams(parameters).toString();
}

export function fromFragment(fragment: string): Parameters {
  return Object.fromEntries(new URLSearchParams(fragment.replace(/^#/, "")));
}
