import { useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import type { Head } from "../answer/answer";
import { type Matrix, meanOf } from "../answer/weights";
import { paintThumbnail } from "../draw/thumbnail";
import { type HeadChoice as Choice, MODEL_AVERAGE, type Panel } from "../state/panel";
import { palette } from "../state/theme";
import { useExplorer } from "./context";

/** Which weights are shown; small multiples of every layer and head. */
export function HeadChoice({ panel }: { panel: Panel }) {
  const explorer = useExplorer();
  const attention = panel.attention.value;
  const heads = attention?.heads ?? [];
  const model = panel.answer.value?.model;
  // Of a classifier the first entry is its attention over tokens, the second over sentences.
  const layers = panel.result.value?.kind === "classified" ? model?.attention.slice(0, 1) : model?.attention;
  const hasSeveral = layers === undefined || headCount(layers) > 1;
  const canShow = hasSeveral && (!explorer.isSaved || heads.length > 0);
  const average = model?.attentionAverage ? `: ${model.attentionAverage}` : "";
  return (
    <section class="heads" aria-label="Layers and heads">
      <p class="heads-line">
        {canShow && (
          <button type="button" class="chip" aria-expanded={panel.showsHeads.value} onClick={() => (panel.showsHeads.value = !panel.showsHeads.value)}>
            {panel.showsHeads.value ? "Hide the heads" : "Every layer and head"}
          </button>
        )}
        <span class="note">
          Shown: <strong>{nameOf(panel.head.value)}</strong>
          {panel.head.value.layer === "average" && average}
          {attention?.rounding && ` (${attention.rounding})`}
        </span>
        {panel.explaining.value && (
          <span class="note" role="status">
            Asking for every head …
          </span>
        )}
      </p>
      {panel.showsHeads.value && heads.length > 0 && <HeadGrid panel={panel} heads={heads} average={attention!.average} />}
      {panel.showsHeads.value && heads.length === 0 && panel.result.value?.kind === "classified" && panel.unit.value === "words" && (
        <p class="note">A classifier's heads are told by pieces: choose Pieces above.</p>
      )}
    </section>
  );
}

function HeadGrid({ panel, heads, average }: { panel: Panel; heads: readonly Head[]; average: Matrix }) {
  const layers = [...new Set(heads.map((head) => head.layer))];
  const all = meanOf(heads.map((head) => head.matrix))!;
  return (
    <div class="head-grid" data-part="heads">
      <div class="head-row" role="group" aria-label="Averages">
        <span class="note">averages</span>
        <HeadButton panel={panel} choice={MODEL_AVERAGE} matrix={average} />
        <HeadButton panel={panel} choice={{ layer: "all", head: "mean" }} matrix={all} />
      </div>
      {layers.map((layer) => {
        const own = heads.filter((head) => head.layer === layer);
        return (
          <div key={layer} class="head-row" role="group" aria-label={`Layer ${layer}`}>
            <span class="note">layer {layer}</span>
            {own.map((head) => (
              <HeadButton key={head.head} panel={panel} choice={{ layer, head: head.head }} matrix={head.matrix} />
            ))}
            {own.length > 1 && <HeadButton panel={panel} choice={{ layer, head: "mean" }} matrix={meanOf(own.map((head) => head.matrix))!} />}
          </div>
        );
      })}
    </div>
  );
}

function HeadButton({ panel, choice, matrix }: { panel: Panel; choice: Choice; matrix: Matrix }) {
  const explorer = useExplorer();
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const largestWeight = explorer.largestShown(panel, matrix);
    if (canvas.current) paintThumbnail(canvas.current, matrix, { largestWeight, threshold: explorer.threshold.value }, palette.value);
  });
  const chosen = panel.head.value.layer === choice.layer && panel.head.value.head === choice.head;
  return (
    <button type="button" class="head" aria-pressed={chosen} onClick={() => (panel.head.value = choice)}>
      <canvas ref={canvas} aria-hidden="true" />
      <span>{shortNameOf(choice)}</span>
      <span class="unseen">{nameOf(choice)}</span>
    </button>
  );
}

export function nameOf({ layer, head }: Choice): string {
  if (layer === "average") return "the model's average";
  if (layer === "all") return "mean of all layers and heads";
  return head === "mean" ? `layer ${layer}, mean of its heads` : `layer ${layer}, head ${head}`;
}

function shortNameOf({ layer, head }: Choice): string {
  if (layer === "average") return "the model's";
  if (layer === "all") return "all heads";
  return head === "mean" ? "mean" : `head ${head}`;
}

function headCount(layers: readonly { headCount: number }[]): number {
  return layers.reduce((sum, layer) => sum + layer.headCount, 0);
}
