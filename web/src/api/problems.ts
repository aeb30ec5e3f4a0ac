import type { Status, StatusDetail } from "./messages";

/** What went wrong, in sentences for people. */
export interface Problem {
  sentence: string;
  /** What to do, if that is known. */
  advice: string;
  /** The gateway wants an API key, or another one. */
  needsKey: boolean;
  requestId: string;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.sentence);
  }
}

/** Fields of requests by the names that the form gives them. */
const FIELD_NAMES: [RegExp, string][] = [
  [/max_length$/, "Longest output"],
  [/min_length$/, "Shortest output"],
  [/beam_width$/, "Beam width"],
  [/num_hypotheses$/, "Hypotheses"],
  [/no_repeat_ngram_size$/, "No repeated n-gram"],
  [/length_penalty$/, "Length penalty"],
  [/coverage_penalty$/, "Coverage penalty"],
  [/temperature$/, "Temperature"],
  [/top_k$/, "Top k"],
  [/top_p$/, "Top p"],
  [/seed$/, "Seed"],
  [/(^|\.)prefix$/, "The forced beginning"],
  [/target_text$/, "The output"],
  [/image/, "The picture"],
  [/(^|\.)text(s\[\d+\])?$|source_text$/, "The text"],
];

/** What continues a sentence that a field's name begins. */
const PREDICATE = /^(must|may|has|have|is|are|can|cannot|needs?|goes|takes?|holds?)\b/;

export function problemOf(status: Status, httpStatus: number): Problem {
  const reason = detail(status, "ErrorInfo")?.reason ?? "";
  return {
    sentence: sentencesOf(status),
    advice: adviceOf(status, httpStatus, reason),
    needsKey: httpStatus === 401 || status.code === 16,
    requestId: detail(status, "RequestInfo")?.requestId ?? "",
  };
}

export function unreachable(): Problem {
  return {
    sentence: "The gateway cannot be reached.",
    advice: "Check that it still runs and that this machine is on the network, then try again.",
    needsKey: false,
    requestId: "",
  };
}

export function localProblem(sentence: string, advice = ""): Problem {
  return { sentence, advice, needsKey: false, requestId: "" };
}

/** Any error as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return localProblem(asSentence(error instanceof Error ? error.message : String(error)));
}

function sentencesOf(status: Status): string {
  const violations = detail(status, "BadRequest")?.fieldViolations ?? [];
  if (violations.length === 0) return asSentence(status.message || "The gateway gave no reason");
  return violations
    .map(({ field, description }) => `${nameOf(field)}${PREDICATE.test(description) ? "" : ":"} ${description.replace(/\.$/, "")}.`)
    .join(" ");
}

function nameOf(field: string): string {
  return FIELD_NAMES.find(([pattern]) => pattern.test(field))?.[1] ?? `The field ${field}`;
}

function adviceOf(status: Status, httpStatus: number, reason: string): string {
  const pause = detail(status, "RetryInfo")?.retryDelay;
  if (pause) return `Try again in ${Math.max(1, Math.ceil(parseFloat(pause)))} s.`;
  if (reason === "API_KEY_MISSING") return "This gateway asks for an API key.";
  if (httpStatus === 401) return "Enter another API key.";
  if (httpStatus === 503 || httpStatus === 504) return "Try again in a moment.";
  if (status.code === 13) return "The gateway's log says more under the request's id.";
  return "";
}

function detail(status: Status, kind: string): StatusDetail | undefined {
  return status.details?.find((each) => each["@type"].endsWith(`google.rpc.${kind}`));
}

function asSentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
