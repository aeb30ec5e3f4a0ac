import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { WrittenResult } from "../answer/answer";
import { directionOf } from "../answer/text";
import { labelOf } from "../draw/labels";
import { CanvasPainter } from "../draw/painter";
import { type PictureLooks, allRows, drawPictureMap } from "../draw/picture-map";
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
      paintMap(canvas.current, { ...content, grid }, panel.place.value);
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

/** Colours what was looked at; without a word in view, the mean over the output. */
function paintMap(canvas: HTMLCanvasElement, looks: PictureLooks, place: Place | undefined): void {
  canvas.width = looks.grid.imageWidth;
  canvas.height = looks.grid.imageHeight;
  const rows = place?.row === undefined ? allRows(looks.matrix) : [place.row];
  drawPictureMap(new CanvasPainter(canvas.getContext("2d")!, ""), looks, rows, { x: 0, y: 0, scale: 1 });
}
