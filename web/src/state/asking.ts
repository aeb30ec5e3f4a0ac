import type * as api from "../api/messages";
import type { Gateway } from "../api/gateway";
import type { Unit } from "../answer/answer";
import { CodePoints } from "../answer/text";
import { type Fields, levelOf, optionsOf, selectorOf } from "./fields";
import type { Panel } from "./panel";

/** So many tokens come first; each further part is twice as long. */
const FIRST_TOKENS = 1;
/** Above so many weights, heads are asked for as 16-bit numbers. */
const MANY_WEIGHTS = 400_000;
const ALTERNATIVES = 8;

export interface Question {
  fields: Fields;
  selector: Record<string, string>;
  model: api.Model | undefined;
  unit: Unit;
  /** The picture in base64, for models that read pictures. */
  picture: string;
}

export function questionFor(panel: Panel, fields: Fields, model: api.Model | undefined, picture: string): Question {
  const [name, version] = panel.index === 0 ? [fields.model, fields.version] : [fields.model2, fields.version2];
  return { fields, selector: selectorOf(name, version), model, unit: panel.unit.value, picture };
}

/** Generates, and shows the output as it grows. */
export async function generate(panel: Panel, gateway: Gateway, question: Question, asked: AbortSignal): Promise<void> {
  const { fields, selector, unit, model } = question;
  const options = optionsOf(fields, unit);
  const points = new CodePoints(fields.text);
  const body = { model: selector, text: fields.text, options, splitSentences: fields.split !== "", chunkTokens: FIRST_TOKENS };
  const texts: string[] = [];
  const results: api.GenerateResult[] = [];
  for await (const event of gateway.stream(body, asked)) {
    if (asked.aborted) return;
    if (event.partial) {
      panel.partial.value = event.partial;
      panel.phase.value = "growing";
    }
    if (event.result) {
      texts.push(points.slice(event.beginOffset, event.endOffset));
      results.push(event.result);
      panel.partial.value = undefined;
      const request = { model: selector, texts: [...texts], options };
      const response = { model: event.model, results: [...results], timings: event.timings };
      panel.show({ request, response, model });
      panel.phase.value = results.length === event.segmentCount ? "done" : "growing";
    }
  }
}

export async function classify(panel: Panel, gateway: Gateway, question: Question, asked: AbortSignal): Promise<void> {
  const { fields, selector, unit, model } = question;
  const request = { model: selector, texts: [fields.text], options: { attention: levelOf(unit) } };
  const response = await gateway.post("v1/classify", request, asked);
  if (!asked.aborted) finish(panel, { request, response, model });
}

export async function caption(panel: Panel, gateway: Gateway, question: Question, asked: AbortSignal): Promise<void> {
  const { selector, model } = question;
  const request = captionRequest(question, levelOf(question.unit));
  const response = await gateway.post("v1/caption", request, asked);
  if (!asked.aborted) finish(panel, { request: { ...request, model: selector }, response, model });
}

function finish(panel: Panel, saved: { request: unknown; response: unknown; model: api.Model | undefined }): void {
  panel.show(saved);
  panel.phase.value = "done";
}

function captionRequest(question: Question, attention: string): Record<string, unknown> {
  const options = { ...optionsOf(question.fields, question.unit), attention };
  return { model: question.selector, images: [{ content: question.picture }], options };
}

/** Asks for every head of the output that is shown: one Score call for what was written. */
export async function explain(panel: Panel, gateway: Gateway, question: Question, asked: AbortSignal): Promise<unknown> {
  const result = panel.result.value;
  const { unit } = question;
  const selector = answeredBy(panel, question);
  if (result?.kind === "classified") {
    const attention = unit === "words" ? levelOf(unit) : "ATTENTION_LEVEL_HEADS";
    return gateway.post("v1/classify", { model: selector, texts: [result.text], options: { attention } }, asked);
  }
  if (result?.picture) {
    const attention = unit === "words" ? levelOf(unit) : "ATTENTION_LEVEL_HEADS";
    const answer = await gateway.post<api.Answered<api.CaptionResult>>(
      "v1/caption",
      { ...captionRequest(question, attention), model: selector },
      asked,
    );
    const hypothesis = answer.results[0]?.hypotheses[panel.hypothesisIndex.value];
    return { ...answer, results: [{ grid: answer.results[0]?.grid, hypotheses: [hypothesis] }] };
  }
  const hypothesis = panel.hypothesis.value;
  if (hypothesis?.isCut || hypothesis?.text.trim() === "") return generateAgain(panel, gateway, question, asked);
  return gateway.post("v1/score", scoreRequest(panel, question, selector), asked);
}

/** What cannot be scored, since it has no end or no token, is generated once more with every head. */
async function generateAgain(panel: Panel, gateway: Gateway, question: Question, asked: AbortSignal): Promise<unknown> {
  const options = {
    ...optionsOf(question.fields, question.unit),
    attention: "ATTENTION_LEVEL_HEADS",
    attentionOptions: { headsOfWords: question.unit === "words" },
  };
  const request = { model: answeredBy(panel, question), texts: [panel.result.value?.text ?? ""], options };
  const answer = await gateway.post<api.Answered<api.GenerateResult>>("v1/generate", request, asked);
  const hypothesis = answer.results[0]?.hypotheses[panel.hypothesisIndex.value];
  if (hypothesis?.text !== panel.hypothesis.value?.text) {
    throw new Error("The model wrote something else this time. Give sampling a seed to look at every head.");
  }
  return { ...answer, results: [{ ...answer.results[0], hypotheses: [hypothesis] }] };
}

function scoreRequest(panel: Panel, { unit, model }: Question, selector: Record<string, string>): unknown {
  const result = panel.result.value;
  const hypothesis = panel.hypothesis.value;
  const sourceText = result?.text ?? "";
  const headCount = (model?.attention ?? []).reduce((sum, layer) => sum + layer.headCount, 0);
  const weightCount = sourceText.length * (hypothesis?.tokens.length ?? 0) * headCount;
  return {
    model: selector,
    pairs: [{ sourceText, targetText: hypothesis?.text ?? "" }],
    attention: "ATTENTION_LEVEL_HEADS",
    attentionOptions: {
      headsOfWords: unit === "words",
      weightFormat: weightCount > MANY_WEIGHTS ? "WEIGHT_FORMAT_FLOAT16" : "WEIGHT_FORMAT_FLOAT32",
    },
  };
}

/** The version that gave the answer, so that nothing else explains it. */
function answeredBy(panel: Panel, question: Question): Record<string, string> {
  const version = panel.answer.value?.version;
  return version === undefined ? question.selector : { name: version.name, version: version.version };
}

export interface Alternative {
  id: number;
  /** The piece; where it goes on with the word before it, the whole of that word. */
  text: string;
  probability: number;
  /** The output up to it; empty if it cannot be forced. */
  prefix: string;
  isEnd: boolean;
}

/** The most probable next pieces after a beginning, each with its probability: a beam of one step. */
export async function alternatives(
  gateway: Gateway,
  panel: Panel,
  question: Question,
  beginning: string,
  asked: AbortSignal,
): Promise<Alternative[]> {
  const model = answeredBy(panel, question);
  const width = Math.min(ALTERNATIVES, question.model?.maxBeamWidth ?? 1);
  const count = beginning === "" ? 0 : await tokenCount(gateway, model, beginning, asked);
  const options = { prefix: beginning, beamWidth: width, numHypotheses: width, maxLength: count + 1 };
  const picture = panel.result.value?.kind === "written" ? panel.result.value.picture : "";
  const answer = picture
    ? await gateway.post<api.Answered<api.CaptionResult>>(
        "v1/caption",
        { model, images: [{ content: question.picture }], options },
        asked,
      )
    : await gateway.post<api.Answered<api.GenerateResult>>(
        "v1/generate",
        { model, texts: [panel.result.value?.text ?? ""], options },
        asked,
      );
  return (answer.results[0]?.hypotheses ?? [])
    .map((hypothesis) => alternativeOf(hypothesis, count))
    .filter((each): each is Alternative => each !== undefined)
    .sort((a, b) => b.probability - a.probability);
}

function alternativeOf(hypothesis: api.Hypothesis, count: number): Alternative | undefined {
  const token = hypothesis.tokens[count];
  if (token === undefined) return undefined;
  const isEnd = token.kind === "TOKEN_KIND_END";
  const canBeForced = !isEnd && token.kind !== "TOKEN_KIND_UNKNOWN" && token.text.trim() !== "";
  const joined = token.beginOffset > 0 && !/\s$/u.test(beforeOf(hypothesis, token));
  return {
    id: token.id,
    text: joined ? (hypothesis.text.trimEnd().split(/\s/u).at(-1) ?? "") : token.text,
    probability: Math.exp(token.score ?? -Infinity),
    prefix: canBeForced ? hypothesis.text : "",
    isEnd,
  };
}

/** The output before a token and the white space in its span. */
function beforeOf(hypothesis: api.Hypothesis, token: api.Token): string {
  const points = new CodePoints(hypothesis.text);
  const own = points.slice(token.beginOffset, token.endOffset);
  return points.slice(0, token.beginOffset) + (/^\s*/u.exec(own)?.[0] ?? "");
}

async function tokenCount(
  gateway: Gateway,
  model: Record<string, string>,
  text: string,
  asked: AbortSignal,
): Promise<number> {
  const answer = await gateway.post<api.Answered<api.TokenizeResult>>(
    "v1/tokenize",
    { model, texts: [text], side: "TEXT_SIDE_TARGET" },
    asked,
  );
  return answer.results[0]?.tokenCount ?? 0;
}
