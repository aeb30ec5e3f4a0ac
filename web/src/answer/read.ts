import type * as api from "../api/messages";
import type { Answer, Attention, ClassifiedResult, Explanation, Hypothesis, Result, SavedAnswer, SavedDocument, Unit, WrittenResult } from "./answer";
import { CodePoints } from "./text";
import { type Matrix, matrixOf } from "./weights";

/** Reads what a saved page or file holds: a document, or a response of the gateway by itself. */
export function readDocument(document: unknown): SavedDocument {
  if (hasField(document, "answers")) return document as unknown as SavedDocument;
  if (hasField(document, "results")) return { answers: [{ response: document }] };
  throw new Error("This is no answer of a gateway: it has neither results nor answers.");
}

/** Reads a response of Generate, Score, Classify or Caption, live or saved. */
export function readAnswer(saved: SavedAnswer): Answer {
  const response = saved.response as api.Answered<AnyResult>;
  const sources = sourcesOf(saved.request);
  return {
    version: response.model,
    model: saved.model,
    results: response.results.map((result, index) => readResult(result, sources[index])),
    timings: response.timings,
    saved,
  };
}

/** The attention of an explanation: the answer of Score. */
export function readExplanation(explanation: Explanation): Attention | undefined {
  const [result] = (explanation.response as api.Answered<AnyResult>).results;
  if (result === undefined) return undefined;
  const read = readResult(result);
  return read.kind === "classified" ? read.attention : read.hypotheses[0]?.attention;
}

type AnyResult = api.GenerateResult | api.ScoreResult | api.ClassifyResult | api.CaptionResult;

function readResult(result: AnyResult, source?: string): Result {
  if ("labels" in result) return readClassified(result, source);
  if ("target" in result) return written([result.target], source ?? textOf(result.sourceTokens));
  if ("grid" in result) return written(result.hypotheses, "", { grid: result.grid, picture: source });
  return written(result.hypotheses, source ?? textOf(result.sourceTokens));
}

function written(
  hypotheses: api.Hypothesis[],
  text: string,
  image?: { grid: api.ImageGrid; picture?: string },
): WrittenResult {
  return {
    kind: "written",
    text,
    picture: image?.picture ?? "",
    hypotheses: hypotheses.map((each) => readHypothesis(each, image?.grid)),
  };
}

function readHypothesis(hypothesis: api.Hypothesis, grid?: api.ImageGrid): Hypothesis {
  return {
    text: hypothesis.text,
    score: hypothesis.score,
    rankScore: hypothesis.rankScore,
    tokens: hypothesis.tokens,
    isCut: hypothesis.finishReason === "FINISH_REASON_LENGTH",
    attention: hypothesis.attention && readAttention(hypothesis.attention, grid),
  };
}

function readAttention(attention: api.Attention, grid?: api.ImageGrid): Attention {
  const rows = attention.targetTokens;
  const columnCount = grid ? grid.columnCount * grid.rowCount : attention.sourceTokens.length;
  const read = (weights: number[], packed?: api.PackedWeights): Matrix =>
    matrixOf(rows.length, columnCount, weights, packed);
  return {
    unit: unitOf(rows),
    rows,
    columns: attention.sourceTokens,
    grid,
    average: read(attention.weights, attention.packedWeights),
    heads: (attention.heads ?? []).map((head) => ({
      layer: head.layerIndex,
      head: head.headIndex,
      matrix: read(head.weights, head.packedWeights),
    })),
    rounding: roundingOf(attention.packedWeights),
  };
}

function roundingOf(packed?: api.PackedWeights): string {
  if (packed === undefined) return "";
  const kept = packed.weightsPerRow === undefined ? "" : `the ${packed.weightsPerRow} largest weights of each row, `;
  return `${kept}${packed.float16Weights ? "sent as 16-bit numbers" : "sent as 32-bit numbers"}`;
}

function readClassified(result: api.ClassifyResult, source?: string): ClassifiedResult {
  const { attention } = result;
  return {
    kind: "classified",
    text: source ?? textOf(result.sourceTokens),
    labels: result.labels,
    sentences: (attention?.sentences ?? []).map((each) => ({
      begin: each.beginOffset,
      end: each.endOffset,
      weight: each.weight,
    })),
    attention: attention && readSourceAttention(attention, result.labels[0]?.label ?? ""),
  };
}

/** One row, for the one thing that a classifier says. */
function readSourceAttention(attention: api.SourceAttention, label: string): Attention {
  const columns = attention.sourceTokens;
  const row: api.Token = { id: 0, text: label, beginOffset: 0, endOffset: 0, kind: "TOKEN_KIND_TEXT" };
  return {
    unit: unitOf(columns),
    rows: [row],
    columns,
    average: matrixOf(1, columns.length, attention.weights),
    heads: (attention.heads ?? []).map((head) => ({
      layer: head.layerIndex,
      head: head.headIndex,
      matrix: matrixOf(1, columns.length, head.weights, head.packedWeights),
    })),
    rounding: "",
  };
}

function unitOf(tokens: readonly api.Token[]): Unit {
  return tokens.some((token) => token.kind === "TOKEN_KIND_WORD") ? "words" : "pieces";
}

/** The sources of a request, whatever its method; pictures as data URLs. */
function sourcesOf(request: unknown): (string | undefined)[] {
  if (typeof request !== "object" || request === null) return [];
  const known = request as {
    texts?: string[];
    text?: string;
    pairs?: { sourceText?: string; source_text?: string }[];
    images?: { content?: string }[];
  };
  if (known.texts) return known.texts;
  if (known.pairs) return known.pairs.map((pair) => pair.sourceText ?? pair.source_text);
  if (known.images) return known.images.map((image) => image.content && pictureUrl(image.content));
  return known.text === undefined ? [] : [known.text];
}

/** A picture in base64 as a data URL; the first bytes tell PNG from JPEG. */
export function pictureUrl(base64: string): string {
  return `data:image/${base64.startsWith("/9j/") ? "jpeg" : "png"};base64,${base64}`;
}

/** A source text from its tokens alone: what they leave out was white space. */
function textOf(tokens: readonly api.Token[]): string {
  let text = "";
  let length = 0;
  for (const token of tokens) {
    if (token.beginOffset > length) text += " ".repeat(token.beginOffset - length);
    if (token.endOffset <= Math.max(length, token.beginOffset)) continue;
    const points = new CodePoints(token.text);
    text += points.slice(Math.max(0, length - token.beginOffset));
    length = token.endOffset;
  }
  return text;
}

function hasField(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && name in value;
}
