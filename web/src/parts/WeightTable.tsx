import { useSignal } from "@preact/signals";
import { rowOf } from "../answer/weights";
import { asWeight, columnLabels, rowLabels } from "../draw/labels";
import type { Panel } from "../state/panel";

/** The weights as a table, made when it is opened. */
export function WeightTable({ panel }: { panel: Panel }) {
  const isOpen = useSignal(false);
  return (
    <details class="weight-table" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>The weights as a table</summary>
      {isOpen.value && <Table panel={panel} />}
    </details>
  );
}

function Table({ panel }: { panel: Panel }) {
  const attention = panel.attention.value;
  const matrix = panel.matrix.value;
  if (!attention || !matrix) return null;
  const columns = columnLabels(attention);
  const kind = attention.grid ? "place of the picture" : "source word";
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of weights">
      <table>
        <caption class="unseen">Weight of each {kind} for each word of the output, rounded to three decimals</caption>
        <thead>
          <tr>
            <td />
            {columns.map((label, index) => (
              <th key={index} scope="col">
                <bdi>{label}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rowLabels(attention).map((label, row) => (
            <tr key={row}>
              <th scope="row">
                <bdi>{label}</bdi>
              </th>
              {Array.from(rowOf(matrix, row), (weight, column) => (
                <td key={column}>{asWeight(weight)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
