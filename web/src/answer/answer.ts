import type { ImageGrid, Model, ModelVersion, Timings, Token } from "../api/messages";
import type { Matrix } from "./weights";

/** How attention is laid out: by the model's own pieces, or by words. */
export type Unit = "pieces" | "words";

export interface Head {
  layer: number;
  head: number;
  matrix: Matrix;
}

/** What a model looked at while it wrote: rows are targets, columns sources. */
export interface Attention {
  unit: Unit;
  rows: readonly Token[];
  /** Empty for a picture, whose columns are the places of `grid`. */
  columns: readonly Token[];
  grid?: ImageGrid;
  /** The average that the model sends. */
  average: Matrix;
  /** Every layer and head, if they were asked for. */
  heads: readonly Head[];
  /** What was done to make the weights smaller; empty if nothing was. */
  rounding: string;
}

export interface Hypothesis {
  text: string;
  score: number;
  rankScore?: number;
  tokens: readonly Token[];
  isCut: boolean;
  attention?: Attention;
}

export interface Sentence {
  begin: number;
  end: number;
  weight: number;
}

/** The answer to one text, to one segment of a text, or to one picture. */
export type Result = WrittenResult | ClassifiedResult;

export interface WrittenResult {
  kind: "written";
  /** The source; empty for a picture. */
  text: string;
  /** The picture as a data URL; empty for a text. */
  picture: string;
  hypotheses: Hypothesis[];
}

export interface ClassifiedResult {
  kind: "classified";
  text: string;
  labels: { label: string; probability: number }[];
  attention?: Attention;
  sentences: Sentence[];
}

export interface Answer {
  version: ModelVersion;
  /** What the gateway says of the model, if that is known. */
  model?: Model;
  results: Result[];
  timings?: Timings;
  saved: SavedAnswer;
}

/** An answer as it is saved: the gateway's own messages. */
export interface SavedAnswer {
  response: unknown;
  request?: unknown;
  model?: Model;
  /** Further answers about the same outputs: heads, and the other unit. */
  explanations?: Explanation[];
}

export interface Explanation {
  result: number;
  hypothesis: number;
  unit: Unit;
  response: unknown;
}

/** What a saved page holds. */
export interface SavedDocument {
  answers: SavedAnswer[];
  view?: Record<string, string>;
}
