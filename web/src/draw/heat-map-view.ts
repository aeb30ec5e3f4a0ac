import { directionOf, shortened } from "../answer/text";
import { type Matrix, weightAt } from "../answer/weights";
import type { Place } from "../state/panel";
import { CanvasPainter } from "./painter";
import { type Palette, rampIndex } from "./palette";
import { preparedContext } from "./surface";
import { matrixPixels } from "./thumbnail";

export interface MapContent {
  matrix: Matrix;
  rows: readonly string[];
  columns: readonly string[];
  /** What the columns are. */
  columnAxis: string;
  largestWeight: number;
  threshold: number;
}

/** What is seen of the map: how large a cell is, and where the first one begins. */
export interface Camera {
  zoom: number;
  x: number;
  y: number;
}

const LARGEST_CELL = 40;
const CELL_WITH_VALUE = 24;
const LABEL_STEP = 13;
const CHARACTER = 7.2;
const LONGEST_LABEL = 14;
const MOST_ZOOM = 40;

/** Draws a matrix of any size at a steady pace: its cells are one picture that is scaled. */
export class HeatMapView {
  width = 0;
  height = 0;
  camera: Camera = { zoom: 1, x: 0, y: 0 };
  private content: MapContent | undefined;
  private palette: Palette | undefined;
  private cells: HTMLCanvasElement | undefined;

  /** @param mostHeight The height in CSS pixels that the map may have. */
  constructor(private readonly mostHeight: number) {}

  show(content: MapContent, palette: Palette): void {
    this.content = content;
    this.palette = palette;
    this.cells = document.createElement("canvas");
    this.cells.width = Math.max(1, content.matrix.columnCount);
    this.cells.height = Math.max(1, content.matrix.rowCount);
    this.cells.getContext("2d")!.putImageData(matrixPixels(content.matrix, content, palette), 0, 0);
  }

  resize(width: number): void {
    this.width = width;
    const { rowCount } = this.content!.matrix;
    this.height = Math.min(this.mostHeight, this.top + rowCount * this.fit + 4);
    this.moveTo(this.camera);
  }

  get left(): number {
    const longest = Math.max(3, ...this.content!.rows.map((label) => Math.min(LONGEST_LABEL, label.length)));
    return Math.min(this.width * 0.35, longest * (CHARACTER + 0.7) + 14);
  }

  get top(): number {
    const longest = Math.max(3, ...this.content!.columns.map((label) => Math.min(LONGEST_LABEL, label.length)));
    return longest * CHARACTER * 0.78 + 18;
  }

  get cell(): number {
    return this.fit * this.camera.zoom;
  }

  private get fit(): number {
    const { rowCount, columnCount } = this.content!.matrix;
    const room = Math.max(40, this.width - this.left - 26); // the last column's label leans out
    return Math.min(LARGEST_CELL, room / columnCount, Math.max(1, (this.mostHeight - this.top - 4) / rowCount));
  }

  /** Moves the camera as far as there is something to see. */
  moveTo({ zoom, x, y }: Camera): void {
    const { rowCount, columnCount } = this.content!.matrix;
    const bounded = Math.min(MOST_ZOOM, Math.max(1, zoom));
    const cell = this.fit * bounded;
    const least = (size: number, count: number): number => Math.min(0, size - count * cell);
    this.camera = {
      zoom: bounded,
      x: Math.max(least(this.width - this.left - (bounded > 1 ? 2 : 0), columnCount), Math.min(0, x)),
      y: Math.max(least(this.height - this.top - 4, rowCount), Math.min(0, y)),
    };
  }

  /** Zooms so that the point under the pointer stays where it is. */
  zoomAt(factor: number, x: number, y: number): void {
    const zoom = Math.min(MOST_ZOOM, Math.max(1, this.camera.zoom * factor));
    const scale = zoom / this.camera.zoom;
    const [fromX, fromY] = [x - this.left, y - this.top];
    this.moveTo({ zoom, x: fromX - (fromX - this.camera.x) * scale, y: fromY - (fromY - this.camera.y) * scale });
  }

  placeAt(x: number, y: number): Place | undefined {
    const { rowCount, columnCount } = this.content!.matrix;
    const column = Math.floor((x - this.left - this.camera.x) / this.cell);
    const row = Math.floor((y - this.top - this.camera.y) / this.cell);
    const hasRow = y >= this.top && row >= 0 && row < rowCount;
    const hasColumn = x >= this.left && column >= 0 && column < columnCount;
    if (!hasRow && !hasColumn) return undefined;
    return { row: hasRow ? row : undefined, column: hasColumn ? column : undefined };
  }

  /** Moves the camera so that a cell can be seen. */
  reveal({ row = 0, column = 0 }: Place): void {
    const { cell, camera } = this;
    const shifted = (from: number, index: number, size: number): number =>
      Math.min(-index * cell + size - cell, Math.max(-index * cell, from)) === from
        ? from
        : Math.max(-index * cell, Math.min(from, size - (index + 1) * cell));
    this.moveTo({
      zoom: camera.zoom,
      x: shifted(camera.x, column, this.width - this.left),
      y: shifted(camera.y, row, this.height - this.top - 4),
    });
  }

  draw(canvas: HTMLCanvasElement, place: Place | undefined): void {
    const { content, palette, cells } = this;
    if (!content || !palette || !cells) return;
    const context = preparedContext(canvas, this.width, this.height);
    const painter = new CanvasPainter(context, palette.font);
    const { left, top, cell, camera } = this;
    const [width, height] = [content.matrix.columnCount * cell, content.matrix.rowCount * cell];
    context.save();
    context.beginPath();
    context.rect(left, top, Math.min(width, this.width - left), Math.min(height, this.height - top));
    context.clip();
    context.imageSmoothingEnabled = false;
    context.drawImage(cells, left + camera.x, top + camera.y, width, height);
    if (cell >= CELL_WITH_VALUE) this.drawValues(painter, content, palette);
    this.drawCross(context, place, palette);
    context.restore();
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, Math.min(width, this.width - left) + 1, Math.min(height, this.height - top) + 1);
    this.drawLabels(painter, content, palette, place);
  }

  private visible(offset: number, size: number, count: number): [number, number] {
    const { cell } = this;
    return [Math.max(0, Math.floor(-offset / cell)), Math.min(count - 1, Math.floor((size - offset - 1) / cell))];
  }

  private drawValues(painter: CanvasPainter, { matrix, largestWeight, threshold }: MapContent, palette: Palette): void {
    const { cell, left, top, camera } = this;
    const [firstRow, lastRow] = this.visible(camera.y, this.height - top, matrix.rowCount);
    const [firstColumn, lastColumn] = this.visible(camera.x, this.width - left, matrix.columnCount);
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) {
        const weight = weightAt(matrix, row, column);
        if (weight < Math.max(0.005, threshold)) continue;
        const text = cell >= 44 ? weight.toFixed(3) : weight.toFixed(2);
        const colour = weight < 0.1 * largestWeight ? palette.muted : palette.onRamp[rampIndex(weight, largestWeight)]!;
        const [x, y] = [left + camera.x + (column + 0.5) * cell, top + camera.y + (row + 0.5) * cell];
        painter.text(text.replace(/^0/, ""), x, y, { size: cell >= 32 ? 11 : 9.5, colour, align: "middle" });
      }
    }
  }

  private drawCross(context: CanvasRenderingContext2D, place: Place | undefined, palette: Palette): void {
    if (place === undefined) return;
    const { cell, left, top, camera } = this;
    const { matrix } = this.content!;
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.5;
    const x = left + camera.x + (place.column ?? 0) * cell;
    const y = top + camera.y + (place.row ?? 0) * cell;
    const thickness = Math.max(cell, 3);
    if (place.row !== undefined) context.strokeRect(left + camera.x, y, matrix.columnCount * cell, thickness);
    if (place.column !== undefined) context.strokeRect(x, top + camera.y, thickness, matrix.rowCount * cell);
  }

  private drawLabels(painter: CanvasPainter, content: MapContent, palette: Palette, place: Place | undefined): void {
    const { cell, left, top, camera } = this;
    const every = Math.max(1, Math.ceil(LABEL_STEP / cell));
    const shows = (index: number, chosen: number | undefined): boolean =>
      index === chosen || (index % every === 0 && (chosen === undefined || every === 1 || Math.abs(index - chosen) >= every));
    const [firstRow, lastRow] = this.visible(camera.y, this.height - top, content.matrix.rowCount);
    for (let row = firstRow; row <= lastRow; row++) {
      if (!shows(row, place?.row)) continue;
      const y = top + camera.y + (row + 0.5) * cell;
      if (y < top) continue;
      const text = shortened(content.rows[row]!, Math.floor((left - 14) / CHARACTER));
      const style = { size: 12, colour: palette.ink, bold: row === place?.row, direction: directionOf(text) };
      painter.text(text, left - 7, y, { ...style, align: "end" });
    }
    const [firstColumn, lastColumn] = this.visible(camera.x, this.width - left, content.matrix.columnCount);
    for (let column = firstColumn; column <= lastColumn; column++) {
      if (!shows(column, place?.column)) continue;
      const x = left + camera.x + (column + 0.5) * cell;
      if (x < left) continue;
      const text = shortened(content.columns[column]!, LONGEST_LABEL);
      const style = { size: 12, colour: palette.ink, bold: column === place?.column, direction: directionOf(text) };
      painter.text(text, x, top - 9, { ...style, turn: -50 });
    }
  }
}
