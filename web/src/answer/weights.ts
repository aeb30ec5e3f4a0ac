import type { PackedWeights } from "../api/messages";

/** Weights with a row for each target token and a column for each source token. */
export interface Matrix {
  readonly rowCount: number;
  readonly columnCount: number;
  /** Row by row. */
  readonly weights: Float32Array;
}

export function weightAt(matrix: Matrix, row: number, column: number): number {
  return matrix.weights[row * matrix.columnCount + column] ?? 0;
}

export function rowOf(matrix: Matrix, row: number): Float32Array {
  return matrix.weights.subarray(row * matrix.columnCount, (row + 1) * matrix.columnCount);
}

export function columnOf(matrix: Matrix, column: number): Float32Array {
  return Float32Array.from({ length: matrix.rowCount }, (_, row) => weightAt(matrix, row, column));
}

export function largest(matrix: Matrix): number {
  let found = 0;
  for (const weight of matrix.weights) if (weight > found) found = weight;
  return found;
}

export function meanOf(matrices: readonly Matrix[]): Matrix | undefined {
  const [first] = matrices;
  if (first === undefined) return undefined;
  const weights = new Float32Array(first.weights.length);
  for (const matrix of matrices) matrix.weights.forEach((weight, index) => (weights[index]! += weight));
  return { ...first, weights: weights.map((sum) => sum / matrices.length) };
}

/** The indices of the largest values above 0, largest first; of equal ones the earlier. */
export function topIndices(values: ArrayLike<number>, most: number): number[] {
  const indices = Array.from({ length: values.length }, (_, index) => index).filter((index) => values[index]! > 0);
  indices.sort((a, b) => values[b]! - values[a]! || a - b);
  return indices.slice(0, most);
}

/** A matrix from either form in which the gateway sends it. */
export function matrixOf(
  rowCount: number,
  columnCount: number,
  plain: ArrayLike<number>,
  packed?: PackedWeights,
): Matrix {
  const weights = packed === undefined ? Float32Array.from(plain) : unpacked(packed, rowCount, columnCount);
  if (weights.length !== rowCount * columnCount) {
    throw new Error(`The answer has ${weights.length} weights for ${rowCount} x ${columnCount} tokens.`);
  }
  return { rowCount, columnCount, weights };
}

function unpacked(packed: PackedWeights, rowCount: number, columnCount: number): Float32Array {
  const values = packed.float16Weights ? halves(packed.float16Weights) : Float32Array.from(packed.weights ?? []);
  const perRow = packed.weightsPerRow;
  if (perRow === undefined) return values;
  const all = new Float32Array(rowCount * columnCount);
  packed.columns?.forEach((column, index) => {
    all[Math.floor(index / perRow) * columnCount + column] = values[index] ?? 0;
  });
  return all;
}

/** IEEE 754 binary16 in base64, the lower byte first. */
function halves(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const values = new Float32Array(bytes.length / 2);
  for (let index = 0; index < values.length; index++) {
    values[index] = half(bytes[2 * index]! | (bytes[2 * index + 1]! << 8));
  }
  return values;
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}
