import { type Matrix } from "../answer/weights";
import { type Palette, rampIndex } from "./palette";

export interface Scale {
  largestWeight: number;
  threshold: number;
}

/** The matrix with one pixel for each weight. */
export function matrixPixels(matrix: Matrix, { largestWeight, threshold }: Scale, palette: Palette): ImageData {
  const pixels = new ImageData(Math.max(1, matrix.columnCount), Math.max(1, matrix.rowCount));
  const words = new Uint32Array(pixels.data.buffer);
  const colours = new Uint32Array(palette.rampBytes.buffer);
  matrix.weights.forEach((weight, index) => {
    words[index] = colours[weight < threshold ? 0 : rampIndex(weight, largestWeight)]!;
  });
  return pixels;
}

/** A small picture of a matrix; CSS scales it without blur. */
export function paintThumbnail(canvas: HTMLCanvasElement, matrix: Matrix, scale: Scale, palette: Palette): void {
  canvas.width = Math.max(1, matrix.columnCount);
  canvas.height = Math.max(1, matrix.rowCount);
  canvas.getContext("2d")!.putImageData(matrixPixels(matrix, scale, palette), 0, 0);
}
