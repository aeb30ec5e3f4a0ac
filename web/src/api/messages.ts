/** The gateway's messages as protobuf's JSON mapping writes them; only what the page reads. */

export type TokenKind = "TOKEN_KIND_TEXT" | "TOKEN_KIND_UNKNOWN" | "TOKEN_KIND_END" | "TOKEN_KIND_WORD";

export interface Token {
  id: number;
  text: string;
  beginOffset: number;
  endOffset: number;
  kind: TokenKind;
  score?: number;
}

export interface PackedWeights {
  weightsPerRow?: number;
  columns?: number[];
  weights?: number[];
  float16Weights?: string;
}

export interface AttentionHead {
  layerIndex: number;
  headIndex: number;
  weights: number[];
  packedWeights?: PackedWeights;
}

export interface Attention {
  targetTokens: Token[];
  sourceTokens: Token[];
  weights: number[];
  heads?: AttentionHead[];
  packedWeights?: PackedWeights;
}

export interface Hypothesis {
  text: string;
  score: number;
  tokens: Token[];
  finishReason: "FINISH_REASON_END" | "FINISH_REASON_LENGTH";
  attention?: Attention;
  rankScore?: number;
}

export interface ModelVersion {
  name: string;
  version: string;
}

export interface Timings {
  totalDuration?: string;
  queueDuration?: string;
  modelDuration?: string;
}

export interface GenerateResult {
  sourceTokens: Token[];
  hypotheses: Hypothesis[];
}

export interface ScoreResult {
  sourceTokens: Token[];
  target: Hypothesis;
}

export interface SentenceWeight {
  beginOffset: number;
  endOffset: number;
  weight: number;
}

export interface SourceAttention {
  sourceTokens: Token[];
  weights: number[];
  heads?: AttentionHead[];
  sentences?: SentenceWeight[];
}

export interface ClassifyResult {
  labels: { label: string; probability: number }[];
  sourceTokens: Token[];
  attention?: SourceAttention;
}

export interface Answered<Result> {
  model: ModelVersion;
  results: Result[];
  timings?: Timings;
}

export interface StreamEvent {
  model: ModelVersion;
  segmentIndex: number;
  segmentCount: number;
  beginOffset: number;
  endOffset: number;
  partial?: { text: string; tokens: Token[] };
  result?: GenerateResult;
  timings?: Timings;
}

export interface AttentionKind {
  name: string;
  layerIndex: number;
  headCount: number;
  normalized: boolean;
}

export interface Model {
  name: string;
  version: string;
  readyVersions: string[];
  ready: boolean;
  statusMessage: string;
  task: string;
  maxSourceTokens: number;
  maxTargetTokens: number;
  attention: AttentionKind[];
  attentionAverage: string;
  signatures: string[];
  maxBeamWidth: number;
  classLabels: string[];
  versions?: { version: string; labels?: string[] }[];
  card?: { description?: string };
  image?: { height: number; maxWidth: number };
}

export interface TokenizeResult {
  tokens: Token[];
  tokenCount: number;
  fits: boolean;
}

/** google.rpc.Status. */
export interface Status {
  code: number;
  message: string;
  details?: StatusDetail[];
}

export interface StatusDetail {
  "@type": string;
  reason?: string;
  metadata?: Record<string, string>;
  fieldViolations?: { field: string; description: string }[];
  retryDelay?: string;
  requestId?: string;
}

export interface ImageGrid {
  imageWidth: number;
  imageHeight: number;
  columnCount: number;
  rowCount: number;
  cellWidth: number;
  cellHeight: number;
}

export interface CaptionResult {
  grid: ImageGrid;
  hypotheses: Hypothesis[];
}
