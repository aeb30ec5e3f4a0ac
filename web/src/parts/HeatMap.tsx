import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { HeatMapView } from "../draw/heat-map-view";
import { asWeight } from "../draw/labels";
import type { Panel } from "../state/panel";
import { palette } from "../state/theme";
import { useExplorer } from "./context";
import { useMapPointer } from "./map-pointer";

const MOST_HEIGHT = 560;

/** The weights as a map with labelled axes; it can be zoomed, moved and read cell by cell. */
export function HeatMap({ panel }: { panel: Panel }) {
  const explorer = useExplorer();
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef(new HeatMapView(MOST_HEIGHT)).current;
  const width = useSignal(0);
  const moved = useSignal(0);
  const content = useComputed(() => explorer.mapContent(panel));

  useLayoutEffect(() => {
    const element = frame.current!;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    width.value = element.clientWidth;
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    if (!content.value || width.value === 0) return;
    view.show(content.value, palette.value);
    view.resize(width.value);
    moved.value = moved.peek() + 1;
  });
  useSignalEffect(() => {
    void moved.value;
    if (canvas.current && view.width > 0) view.draw(canvas.current, panel.place.value);
  });

  const redraw = (): void => void (moved.value = moved.peek() + 1);
  const zoom = (factor: number): void => {
    view.zoomAt(factor, (view.left + view.width) / 2, (view.top + view.height) / 2);
    redraw();
  };
  const columns = panel.attention.value?.grid ? "places of the picture" : "words of the source";
  const pointer = useMapPointer(panel, view, redraw);
  const keys = (event: KeyboardEvent): void => {
    const matrix = panel.matrix.value;
    const step = STEPS[event.key];
    if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") zoom(0.001);
    else if (step && matrix) {
      const now = panel.place.peek();
      const [down, right] = now === undefined ? [0, 0] : step; // the first key goes to the first cell
      const row = bounded((now?.row ?? 0) + down, matrix.rowCount);
      const column = bounded((now?.column ?? 0) + right, matrix.columnCount);
      panel.hovered.value = { row, column };
      view.reveal({ row, column });
      redraw();
    } else return;
    event.preventDefault();
  };
  return (
    <div class="heat-map">
      <div
        ref={frame}
        class="map-frame"
        data-part="heat-map"
        role="application"
        aria-roledescription="heat map"
        aria-label={`Heat map: rows are words of the output, columns ${columns}. Arrow keys move, plus and minus zoom; what is under the cursor is said below the links.`}
        tabIndex={0}
        onKeyDown={keys}
        onBlur={() => (panel.hovered.value = undefined)}
        {...pointer}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <div class="map-tools">
        <Scale largestWeight={content.value?.largestWeight ?? 1} />
        <span class="grow" />
        <button type="button" class="chip" aria-label="Zoom out" onClick={() => zoom(1 / 1.6)}>
          −
        </button>
        <button type="button" class="chip" aria-label="Zoom in" onClick={() => zoom(1.6)}>
          +
        </button>
        <button type="button" class="chip" onClick={() => zoom(0.001)}>
          All
        </button>
      </div>
    </div>
  );
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

function bounded(value: number, count: number): number {
  return Math.max(0, Math.min(count - 1, value));
}

export function Scale({ largestWeight }: { largestWeight: number }) {
  return (
    <span class="scale note">
      0 <span class="ramp" aria-hidden="true" /> {largestWeight === 1 ? "1" : asWeight(largestWeight)}
    </span>
  );
}
