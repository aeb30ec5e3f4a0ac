import { directionOf, shortened } from "../answer/text";
import { type Matrix, weightAt } from "../answer/weights";
import { asWeight } from "./labels";
import type { Painter } from "./painter";
import { type Palette, rampIndex } from "./palette";

const LONGEST_LABEL = 18;
const CHARACTER = 7.4;
const CELL = 30;
const MARGIN = 20;

export interface HeatMapContent {
  matrix: Matrix;
  rows: readonly string[];
  columns: readonly string[];
  columnAxis: string;
  /** The weight of the strongest colour. */
  largestWeight: number;
  /** Weights below are left empty. */
  threshold: number;
  title: string;
}

interface Layout {
  cell: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The heat map as a picture to be kept, with labelled axes and its scale; gives its size. */
export function drawHeatMapFigure(painter: Painter, content: HeatMapContent, palette: Palette): { width: number; height: number } {
  const layout = layoutOf(content);
  painter.rectangle(0, 0, layout.width, layout.height, palette.surface);
  painter.text(shortened(content.title, Math.floor(layout.width / CHARACTER) - 4), MARGIN, MARGIN + 4, { size: 13, colour: palette.ink, bold: true });
  drawAxes(painter, content, palette, layout);
  drawCells(painter, content, palette, layout);
  drawScale(painter, content, palette, layout);
  return { width: layout.width, height: layout.height };
}

export function heatMapFigureSize(content: HeatMapContent): { width: number; height: number } {
  const { width, height } = layoutOf(content);
  return { width, height };
}

function layoutOf({ matrix, rows, columns }: HeatMapContent): Layout {
  const cell = matrix.rowCount * matrix.columnCount > 3600 ? 12 : CELL;
  const room = (labels: readonly string[]): number =>
    Math.max(3, ...labels.map((label) => Math.min(LONGEST_LABEL, label.length))) * CHARACTER + 12;
  const left = MARGIN + 16 + room(rows);
  const top = MARGIN + 44 + room(columns) * 0.8;
  const width = Math.max(420, left + cell * matrix.columnCount + MARGIN * 2.5);
  return { cell, left, top, width, height: top + cell * matrix.rowCount + MARGIN + 44 };
}

function drawAxes(painter: Painter, content: HeatMapContent, palette: Palette, layout: Layout): void {
  const { cell, left, top } = layout;
  const size = Math.min(13, cell * 0.9);
  content.rows.forEach((label, row) => {
    const text = shortened(label, LONGEST_LABEL);
    painter.text(text, left - 6, top + (row + 0.5) * cell, { size, colour: palette.ink, align: "end", direction: directionOf(text) });
  });
  content.columns.forEach((label, column) => {
    const text = shortened(label, LONGEST_LABEL);
    painter.text(text, left + (column + 0.5) * cell, top - 8, { size, colour: palette.ink, turn: -50, direction: directionOf(text) });
  });
  const axis = { size: 11, colour: palette.muted } as const;
  painter.text(`${content.columnAxis} →`, left, MARGIN + 24, axis);
  painter.text("output →", MARGIN, top + (cell * content.matrix.rowCount) / 2, { ...axis, turn: 90, align: "middle" });
}

function drawCells(painter: Painter, content: HeatMapContent, palette: Palette, { cell, left, top }: Layout): void {
  const { matrix, threshold, largestWeight } = content;
  painter.rectangle(left, top, cell * matrix.columnCount, cell * matrix.rowCount, palette.ramp[0]!);
  for (let row = 0; row < matrix.rowCount; row++) {
    for (let column = 0; column < matrix.columnCount; column++) {
      const weight = weightAt(matrix, row, column);
      const index = rampIndex(weight, largestWeight);
      if (weight < threshold || index === 0) continue;
      painter.rectangle(left + column * cell, top + row * cell, cell, cell, palette.ramp[index]!);
      if (cell < CELL || weight < 0.005) continue;
      const style = { size: 9.5, colour: palette.onRamp[index]!, align: "middle" } as const;
      painter.text(weight.toFixed(2).replace(/^0/, ""), left + (column + 0.5) * cell, top + (row + 0.5) * cell, style);
    }
  }
}

function drawScale(painter: Painter, content: HeatMapContent, palette: Palette, layout: Layout): void {
  const y = layout.height - MARGIN - 14;
  const steps = 64;
  for (let step = 0; step < steps; step++) {
    painter.rectangle(MARGIN + step * 2, y, 2.4, 8, palette.ramp[Math.round((step / (steps - 1)) * 255)]!);
  }
  const hidden = content.threshold > 0 ? `; below ${asWeight(content.threshold)} left empty` : "";
  const text = `0 to ${asWeight(content.largestWeight)}; values rounded to 2 decimals${hidden}`;
  painter.text(text, MARGIN + steps * 2 + 10, y + 4, { size: 10.5, colour: palette.muted });
}
