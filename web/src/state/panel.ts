import { computed, signal } from "@preact/signals";
import type * as api from "../api/messages";
import type { Gateway } from "../api/gateway";
import { type Problem, asProblem } from "../api/problems";
import type { Answer, Attention, Explanation, Hypothesis, Result, SavedAnswer, Unit } from "../answer/answer";
import { readAnswer, readExplanation } from "../answer/read";
import type { LinkLayout } from "../draw/links";
import type { Question } from "./asking";
import { type Matrix, meanOf } from "../answer/weights";

/** Which weights are shown: the model's own average, the mean of a layer or of all, or one head. */
export interface HeadChoice {
  layer: number | "average" | "all";
  head: number | "mean";
}

export const MODEL_AVERAGE: HeadChoice = { layer: "average", head: "mean" };

/** A place in the matrix: a row, a column, or both. */
export interface Place {
  row?: number;
  column?: number;
}

export type Phase = "empty" | "waiting" | "growing" | "done" | "failed";

export interface Partial {
  text: string;
  tokens: readonly api.Token[];
}

/** One model's answer, and what of it is looked at. */
export class Panel {
  readonly phase = signal<Phase>("empty");
  readonly problem = signal<Problem | undefined>(undefined);
  readonly partial = signal<Partial | undefined>(undefined);
  readonly answer = signal<Answer | undefined>(undefined);
  readonly resultIndex = signal(0);
  readonly hypothesisIndex = signal(0);
  readonly head = signal<HeadChoice>(MODEL_AVERAGE);
  readonly showsHeads = signal(false);
  readonly hovered = signal<Place | undefined>(undefined);
  readonly pinned = signal<Place | undefined>(undefined);
  readonly explaining = signal(false);
  readonly explainProblem = signal<Problem | undefined>(undefined);
  /** What was asked for the answer that is shown; the form may have changed since. */
  asked: Question | undefined;
  /** Where the words of its links stand on the page. */
  linkLayout: LinkLayout | undefined;
  private readonly explanations = signal<readonly Explanation[]>([]);
  private asking = new AbortController();

  constructor(
    readonly index: 0 | 1,
    readonly unit: { readonly value: Unit },
  ) {}

  readonly result = computed<Result | undefined>(() => {
    const results = this.answer.value?.results ?? [];
    return results[boundedTo(results, this.resultIndex.value)];
  });

  readonly hypothesis = computed<Hypothesis | undefined>(() => {
    const result = this.result.value;
    return result?.kind === "written" ? result.hypotheses[boundedTo(result.hypotheses, this.hypothesisIndex.value)] : undefined;
  });

  /** The place that was kept, if the weights that are shown have it: a link may be of another answer. */
  readonly kept = computed<Place | undefined>(() => {
    const [place, matrix] = [this.pinned.value, this.matrix.value];
    if (place === undefined || matrix === undefined) return undefined;
    return (place.row ?? 0) < matrix.rowCount && (place.column ?? 0) < matrix.columnCount ? place : undefined;
  });

  readonly place = computed<Place | undefined>(() => this.hovered.value ?? this.kept.value);

  /** The attention with every head, in the unit chosen; undefined until it was asked for. */
  readonly explained = computed<Attention | undefined>(() => {
    const found = this.explanations.value.find(
      (each) =>
        each.result === this.resultIndex.value &&
        each.hypothesis === this.hypothesisIndex.value &&
        each.unit === this.unit.value,
    );
    return found && readExplanation(found);
  });

  /** What came with the answer, if it is in the unit chosen. */
  readonly own = computed<Attention | undefined>(() => {
    const result = this.result.value;
    const own = result?.kind === "classified" ? result.attention : this.hypothesis.value?.attention;
    return own?.unit === this.unit.value ? own : undefined;
  });

  /** The attention to show. */
  readonly attention = computed<Attention | undefined>(() => {
    const own = this.own.value;
    const needsHeads = this.head.value.layer !== "average" || this.showsHeads.value;
    if (own !== undefined && (!needsHeads || own.heads.length > 0)) return own;
    return this.explained.value ?? own;
  });

  /** The weights to show. */
  readonly matrix = computed<Matrix | undefined>(() => {
    const attention = this.attention.value;
    if (attention === undefined) return undefined;
    const { layer, head } = this.head.value;
    if (layer === "average") return attention.average;
    const chosen = attention.heads.filter(
      (each) => (layer === "all" || each.layer === layer) && (head === "mean" || each.head === head),
    );
    return meanOf(chosen.map((each) => each.matrix)) ?? attention.average;
  });

  /** The units that need not be asked for. */
  readonly unitsThere = computed<ReadonlySet<Unit>>(() => {
    const result = this.result.value;
    const own = result?.kind === "classified" ? result.attention : this.hypothesis.value?.attention;
    const explained = this.explanations.value.filter(
      (each) => each.result === this.resultIndex.value && each.hypothesis === this.hypothesisIndex.value,
    );
    return new Set([...(own ? [own.unit] : []), ...explained.map((each) => each.unit)]);
  });

  /** Looks at another part of the answer. */
  choose(result: number, hypothesis: number): void {
    this.resultIndex.value = result;
    this.hypothesisIndex.value = hypothesis;
    this.explainProblem.value = undefined;
    this.hovered.value = undefined;
    this.pinned.value = undefined;
  }

  /** Forgets the last answer, and gives the signal by which this one can be given up. */
  begin(): AbortSignal {
    this.asking.abort();
    this.asking = new AbortController();
    this.phase.value = "waiting";
    this.problem.value = undefined;
    this.explainProblem.value = undefined;
    this.partial.value = undefined;
    this.answer.value = undefined;
    this.explanations.value = [];
    this.resultIndex.value = 0;
    this.hypothesisIndex.value = 0;
    this.hovered.value = undefined;
    this.pinned.value = undefined;
    return this.asking.signal;
  }

  stop(): void {
    this.asking.abort();
    if (this.phase.value === "waiting" || this.phase.value === "growing") this.clear();
  }

  clear(): void {
    this.begin();
    this.phase.value = "empty";
  }

  fail(error: unknown, asked: AbortSignal): void {
    if (asked.aborted) return;
    this.problem.value = asProblem(error);
    this.phase.value = "failed";
  }

  show(saved: SavedAnswer): void {
    this.answer.value = readAnswer(saved);
    this.explanations.value = saved.explanations ?? [];
  }

  /** The answer as it is saved, with everything that was asked about it since. */
  saved(): SavedAnswer | undefined {
    const answer = this.answer.value;
    return answer && { ...answer.saved, explanations: [...this.explanations.value] };
  }

  /** Asks for every head in the unit chosen, once. */
  async explain(gateway: Gateway, ask: (gateway: Gateway, asked: AbortSignal) => Promise<unknown>): Promise<void> {
    if (this.explained.value !== undefined || this.explaining.value) return;
    const asked = this.asking.signal;
    const about = { result: this.resultIndex.value, hypothesis: this.hypothesisIndex.value, unit: this.unit.value };
    this.explaining.value = true;
    this.explainProblem.value = undefined;
    try {
      const explanation = { ...about, response: await ask(gateway, asked) };
      if (!asked.aborted) this.explanations.value = [...this.explanations.value, explanation];
    } catch (error) {
      if (!asked.aborted) this.explainProblem.value = asProblem(error);
    } finally {
      this.explaining.value = false;
    }
  }
}

/** An index, or the last one if a link names more than there are. */
function boundedTo(items: readonly unknown[], index: number): number {
  return Math.min(index, items.length - 1);
}

