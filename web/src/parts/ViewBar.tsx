import type { Unit } from "../answer/answer";
import { asWeight } from "../draw/labels";
import { Downloads } from "./Downloads";
import { useExplorer } from "./context";

const UNITS: [Unit, string][] = [
  ["words", "Words"],
  ["pieces", "Pieces"],
];

/** What holds for every answer on the page. */
export function ViewBar() {
  const explorer = useExplorer();
  return (
    <div class="view-bar" role="group" aria-label="View">
      <fieldset class="segmented">
        <legend class="unseen">Unit</legend>
        {UNITS.map(([unit, name]) => (
          <label key={unit}>
            <input
              type="radio"
              name="unit"
              checked={explorer.unit.value === unit}
              disabled={!isAvailable(explorer, unit)}
              onChange={() => explorer.setUnit(unit)}
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <label class="slider">
        <span class="label">Hide weights below</span>
        <input
          type="range"
          min="0"
          max="0.5"
          step="0.005"
          value={explorer.threshold.value}
          onInput={(event) => (explorer.threshold.value = Number(event.currentTarget.value))}
        />
        <output>{asWeight(explorer.threshold.value)}</output>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={explorer.shownPanels.value.some((panel) => explorer.isStretched(panel))}
          onChange={(event) => (explorer.stretch.value = event.currentTarget.checked)}
        />
        <span>Scale to the largest weight</span>
      </label>
      <span class="grow" />
      <Downloads />
    </div>
  );
}

/** A saved page can show what is in it alone. */
function isAvailable(explorer: ReturnType<typeof useExplorer>, unit: Unit): boolean {
  return !explorer.isSaved || explorer.shownPanels.value.every((panel) => panel.unitsThere.value.has(unit));
}
