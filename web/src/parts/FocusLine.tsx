import type { Attention } from "../answer/answer";
import { columnOf, rowOf, topIndices, weightAt } from "../answer/weights";
import { asPercent, asWeight, columnLabels, rowLabels } from "../draw/labels";
import type { Panel, Place } from "../state/panel";

const NAMED = 4;

/** Says in words what the pictures show of the word that is looked at. */
export function FocusLine({ panel }: { panel: Panel }) {
  const attention = panel.attention.value;
  const matrix = panel.matrix.value;
  const place = panel.place.value;
  if (!attention || !matrix) return null;
  return (
    <p class="focus-line" role="status" aria-live="polite" data-part="focus">
      {place ? sentenceOf(place, attention, matrix) : hintOf(attention)}
    </p>
  );
}

type Matrix = NonNullable<Panel["matrix"]["value"]>;

export function sentenceOf(place: Place, attention: Attention, matrix: Matrix): string {
  const rows = rowLabels(attention);
  const columns = columnLabels(attention);
  const { row, column } = place;
  if (row !== undefined && column !== undefined) {
    return `“${rows[row]}” looks at “${columns[column]}”: ${asWeight(weightAt(matrix, row, column))}.`;
  }
  if (row !== undefined) {
    const seen = listed(rowOf(matrix, row), columns);
    return `“${rows[row]}” looks at ${seen || "nothing"}.${probabilityOf(attention, row)}`;
  }
  if (column === undefined) return "";
  return `“${columns[column]}” is looked at by ${listed(columnOf(matrix, column), rows) || "nothing"}.`;
}

function listed(weights: Float32Array, labels: readonly string[]): string {
  return topIndices(weights, NAMED)
    .map((index) => `“${labels[index]}” ${asWeight(weights[index]!)}`)
    .join(", ");
}

function probabilityOf(attention: Attention, row: number): string {
  const score = attention.rows[row]?.score;
  return score === undefined ? "" : ` Its probability: ${asPercent(Math.exp(score))}.`;
}

function hintOf(attention: Attention): string {
  if (attention.grid) return "Point at a word of the output to see where in the picture the model looked.";
  return "Point at a word, or move through the words with the arrow keys, to see its links alone. Choose a word of the output to try another in its place.";
}
