import type { Token } from "../api/messages";
import type { Attention } from "../answer/answer";
import { visible } from "../answer/text";

/** What a token is called where it stands alone. */
export function labelOf(token: Token): string {
  return token.kind === "TOKEN_KIND_END" ? "⟨end⟩" : visible(token.text);
}

/** The names of the columns; of a picture its places, row and column from 1. */
export function columnLabels(attention: Attention): string[] {
  const { grid } = attention;
  if (grid === undefined) return attention.columns.map(labelOf);
  return Array.from({ length: grid.rowCount * grid.columnCount }, (_, place) => {
    const row = Math.floor(place / grid.columnCount) + 1;
    const column = (place % grid.columnCount) + 1;
    return grid.rowCount === 1 ? `column ${column}` : `row ${row}, column ${column}`;
  });
}

/** The same as they stand at an axis: of a picture row and column alone. */
export function axisLabels(attention: Attention): string[] {
  const { grid } = attention;
  if (grid === undefined) return columnLabels(attention);
  const places = Array.from({ length: grid.rowCount * grid.columnCount }, (_, place) => place);
  return places.map((place) => `${Math.floor(place / grid.columnCount) + 1}, ${(place % grid.columnCount) + 1}`);
}

export function rowLabels(attention: Attention): string[] {
  return attention.rows.map(labelOf);
}

/** Sums of 32-bit numbers that ought to be 1 come so near to it. */
const ROUNDING = 1e-6;

/** A weight as the page writes it: three decimals. */
export function asWeight(weight: number): string {
  if (weight > 0 && weight < 0.0005) return "<0.001";
  return weight < 1 - ROUNDING && weight >= 0.9995 ? ">0.999" : weight.toFixed(3);
}

export function asPercent(share: number): string {
  if (share > 0 && share < 0.0005) return "<0.1 %";
  if (share < 1 && share >= 0.9995) return ">99.9 %";
  return `${(share * 100).toFixed(1)} %`;
}
