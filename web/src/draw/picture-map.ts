import type { ImageGrid } from "../api/messages";
import { type Matrix, weightAt } from "../answer/weights";
import type { Painter } from "./painter";
import type { Scale } from "./thumbnail";

/** The same in both themes: pictures have no theme, and most are light. */
export const LOOKED_AT = "#3d4db7";
/** How much the largest weight hides of the picture. */
export const STRONGEST = 0.75;

/** What a model looked at in a picture. */
export interface PictureLooks extends Scale {
  grid: ImageGrid;
  matrix: Matrix;
}

/** Colours what was looked at for some rows, the mean of them, in a place as wide as `scale` times the picture. */
export function drawPictureMap(painter: Painter, looks: PictureLooks, rows: readonly number[], place: { x: number; y: number; scale: number }): void {
  const { grid, matrix, threshold, largestWeight } = looks;
  for (let index = 0; index < matrix.columnCount; index++) {
    const weight = rows.reduce((sum, row) => sum + weightAt(matrix, row, index), 0) / rows.length;
    if (weight < threshold || weight <= 0) continue;
    const x = (index % grid.columnCount) * grid.cellWidth;
    const y = Math.floor(index / grid.columnCount) * grid.cellHeight;
    // The last places may reach beyond the picture's edge.
    const width = Math.min(grid.cellWidth, grid.imageWidth - x);
    const height = Math.min(grid.cellHeight, grid.imageHeight - y);
    const opacity = STRONGEST * Math.min(1, weight / largestWeight);
    const [left, top] = [place.x + x * place.scale, place.y + y * place.scale];
    painter.rectangle(left, top, width * place.scale, height * place.scale, LOOKED_AT, { opacity });
  }
}

export function allRows(matrix: Matrix): number[] {
  return Array.from({ length: matrix.rowCount }, (_, row) => row);
}
