import type { ImageGrid } from "../api/messages";
import { directionOf, shortened } from "../answer/text";
import { rowOf } from "../answer/weights";
import { asWeight } from "./labels";
import type { Painter, Raster } from "./painter";
import type { Palette } from "./palette";
import { LOOKED_AT, type PictureLooks, STRONGEST, drawPictureMap } from "./picture-map";

const MARGIN = 20;
const GAP = 16;
const LABEL = 24;
const CHARACTER = 7.4;
const MOST_COLUMNS = 4;
const SEVERAL = 240;
const ALONE = 640;
const LEAST_WIDTH = 420;
/** After so many words no more are drawn; the picture says so. */
const MOST_WORDS = 64;

export interface PictureMapContent extends PictureLooks {
  /** Undefined if an answer was saved without its picture. */
  raster: Raster | undefined;
  /** What each row is called. */
  labels: readonly string[];
  /** Which rows get a map. */
  rows: readonly number[];
  title: string;
}

interface Layout {
  columnCount: number;
  scale: number;
  panelWidth: number;
  panelHeight: number;
  width: number;
  height: number;
}

/** The size in which a picture is shown, in CSS pixels, if so many words get a map. */
export function shownSize(grid: ImageGrid, count: number): { width: number; height: number; scale: number } {
  const side = count === 1 ? ALONE : SEVERAL;
  const scale = Math.min(side / grid.imageWidth, side / grid.imageHeight);
  return { width: grid.imageWidth * scale, height: grid.imageHeight * scale, scale };
}

export function pictureMapFigureSize(content: PictureMapContent): { width: number; height: number } {
  const { width, height } = layoutOf(content);
  return { width, height };
}

/** The picture, once for each word, with the places that the model looked at. */
export function drawPictureMapFigure(painter: Painter, content: PictureMapContent, palette: Palette): void {
  const layout = layoutOf(content);
  painter.rectangle(0, 0, layout.width, layout.height, palette.surface);
  const title = shortened(content.title, Math.floor(layout.width / CHARACTER) - 4);
  painter.text(title, MARGIN, MARGIN + 4, { size: 13, colour: palette.ink, bold: true });
  content.rows.slice(0, MOST_WORDS).forEach((row, place) => {
    const x = MARGIN + (place % layout.columnCount) * (layout.panelWidth + GAP);
    const y = MARGIN + 24 + Math.floor(place / layout.columnCount) * (layout.panelHeight + GAP);
    drawPanel(painter, content, palette, { row, x, y, layout });
  });
  drawScale(painter, content, palette, layout);
}

function layoutOf({ grid, rows }: PictureMapContent): Layout {
  const count = Math.min(rows.length, MOST_WORDS);
  const shown = shownSize(grid, rows.length);
  const columnCount = Math.max(1, Math.min(MOST_COLUMNS, count));
  const [panelWidth, panelHeight] = [Math.max(96, shown.width), shown.height + LABEL];
  return {
    columnCount,
    scale: shown.scale,
    panelWidth,
    panelHeight,
    width: Math.max(LEAST_WIDTH, 2 * MARGIN + columnCount * (panelWidth + GAP) - GAP),
    height: 2 * MARGIN + 24 + Math.ceil(count / columnCount) * (panelHeight + GAP) + 22,
  };
}

function drawPanel(
  painter: Painter,
  content: PictureMapContent,
  palette: Palette,
  { row, x, y, layout }: { row: number; x: number; y: number; layout: Layout },
): void {
  const { grid, raster } = content;
  const [width, height] = [grid.imageWidth * layout.scale, grid.imageHeight * layout.scale];
  const largest = `largest ${asWeight(Math.max(0, ...rowOf(content.matrix, row)))}`;
  const room = Math.floor((layout.panelWidth - largest.length * 6.2 - 8) / CHARACTER);
  const label = shortened(content.labels[row] ?? "", Math.max(2, room));
  painter.text(label, x, y + LABEL / 2 - 2, { size: 13, colour: palette.ink, bold: true, direction: directionOf(label) });
  painter.text(largest, x + layout.panelWidth, y + LABEL / 2 - 2, { size: 10.5, colour: palette.muted, align: "end" });
  painter.rectangle(x - 1, y + LABEL - 1, width + 2, height + 2, palette.line);
  if (raster) painter.raster(raster, x, y + LABEL, width, height);
  else painter.rectangle(x, y + LABEL, width, height, "#ffffff");
  drawPictureMap(painter, content, [row], { x, y: y + LABEL, scale: layout.scale });
}

function drawScale(painter: Painter, content: PictureMapContent, palette: Palette, { height }: Layout): void {
  const y = height - MARGIN - 10;
  const steps = 32;
  painter.rectangle(MARGIN, y, steps * 4, 8, "#ffffff");
  for (let step = 0; step < steps; step++) {
    painter.rectangle(MARGIN + step * 4, y, 4, 8, LOOKED_AT, { opacity: (STRONGEST * step) / (steps - 1) });
  }
  const hidden = content.threshold > 0 ? `; below ${asWeight(content.threshold)} left clear` : "";
  const more = content.rows.length > MOST_WORDS ? `; the first ${MOST_WORDS} of ${content.rows.length} words` : "";
  const text = `0 to ${asWeight(content.largestWeight)}${hidden}${more}`;
  painter.text(text, MARGIN + steps * 4 + 10, y + 4, { size: 10.5, colour: palette.muted });
}
