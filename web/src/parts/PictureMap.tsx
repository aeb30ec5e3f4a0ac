import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { ImageGrid } from "../api/messages";
import type { WrittenResult } from "../answer/answer";
import { type Matrix, weightAt } from "../answer/weights";
import { directionOf } from "../answer/text";
import { labelOf } from "../draw/labels";
import type { Panel, Place } from "../state/panel";
import { useExplorer } from "./context";
import { pin } from "./Links";
import { moveAmongWords } from "./word-keys";

/** The picture, and over it where the model looked while it wrote the word that is pointed at. */
export function PictureMap({ panel, result }: { panel: Panel; result: WrittenResult }) {
  const explorer = useExplorer();
  const canvas = useRef<HTMLCanvasElement>(null);
  const attention = panel.attention.value!;
  const grid = attention.grid!;
  useSignalEffect(() => {
    const content = explorer.mapContent(panel);
    if (canvas.current && content) {
      const scale = { largestWeight: content.largestWeight, threshold: content.threshold };
      paintMap(canvas.current, grid, content.matrix, panel.place.value, scale);
    }
  });
  return (
    <div class="picture-links">
      <div class="picture">
        {result.picture ? (
          <img src={result.picture} alt="The picture that the model read" width={grid.imageWidth} height={grid.imageHeight} />
        ) : (
          <div class="no-picture" style={{ aspectRatio: `${grid.imageWidth} / ${grid.imageHeight}` }}>
            The picture is not in this file.
          </div>
        )}
        <canvas ref={canvas} aria-hidden="true" data-part="picture-map" />
      </div>
      <div
        class="words target"
        role="toolbar"
        aria-label="Words of the output"
        dir={directionOf(panel.hypothesis.value?.text ?? "")}
        onKeyDown={moveAmongWords}
      >
        {attention.rows.map((token, index) => (
          <button
            key={index}
            type="button"
            class={`word begins ${token.kind === "TOKEN_KIND_END" ? "end" : ""}`}
            tabIndex={index === 0 ? 0 : -1}
            data-side="target"
            data-index={index}
            aria-pressed={panel.pinned.value?.row === index}
            onClick={() => pin(panel, { row: index })}
            onPointerEnter={() => (panel.hovered.value = { row: index })}
            onPointerLeave={() => (panel.hovered.value = undefined)}
            onFocus={() => (panel.hovered.value = { row: index })}
            onBlur={() => (panel.hovered.value = undefined)}
          >
            <bdi>{labelOf(token)}</bdi>
          </button>
        ))}
      </div>
    </div>
  );
}

/** The same in both themes: pictures have no theme, and most are light. */
const LOOKED_AT = "#3d4db7";

interface Scale {
  largestWeight: number;
  threshold: number;
}

/** Colours what was looked at; without a word in view, the mean over the output. */
function paintMap(canvas: HTMLCanvasElement, grid: ImageGrid, matrix: Matrix, place: Place | undefined, scale: Scale): void {
  canvas.width = grid.imageWidth;
  canvas.height = grid.imageHeight;
  const context = canvas.getContext("2d")!;
  context.fillStyle = LOOKED_AT;
  const rows = place?.row === undefined ? Array.from({ length: matrix.rowCount }, (_, row) => row) : [place.row];
  for (let index = 0; index < matrix.columnCount; index++) {
    const weight = rows.reduce((sum, row) => sum + weightAt(matrix, row, index), 0) / rows.length;
    if (weight < scale.threshold) continue;
    context.globalAlpha = 0.75 * Math.min(1, weight / scale.largestWeight);
    const x = (index % grid.columnCount) * grid.cellWidth;
    const y = Math.floor(index / grid.columnCount) * grid.cellHeight;
    context.fillRect(x, y, grid.cellWidth, grid.cellHeight);
  }
}
