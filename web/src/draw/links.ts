import { type Matrix, weightAt } from "../answer/weights";
import type { Curve, Painter } from "./painter";
import type { Palette } from "./palette";
import type { Place } from "../state/panel";

/** Where words stand, in the pixels of the figure. */
export interface WordBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface LinkLayout {
  width: number;
  height: number;
  /** Whether source and target stand beside each other, and not one above the other. */
  isSideBySide: boolean;
  sources: readonly WordBox[];
  targets: readonly WordBox[];
}

export interface LinkContent {
  matrix: Matrix;
  largestWeight: number;
  threshold: number;
}

/** So many links are drawn at once, the strongest; the page says so where there are more. */
export const MOST_LINKS = 3000;
const THICKEST = 7;
const SMALLEST = 0.002;

interface Link {
  row: number;
  column: number;
  weight: number;
}

/** The links that are not below the threshold, weakest first, so that strong ones lie on top. */
export function linksOf({ matrix, threshold }: LinkContent): { links: Link[]; leftOut: number } {
  const links: Link[] = [];
  const least = Math.max(threshold, SMALLEST);
  for (let row = 0; row < matrix.rowCount; row++) {
    for (let column = 0; column < matrix.columnCount; column++) {
      const weight = weightAt(matrix, row, column);
      if (weight >= least) links.push({ row, column, weight });
    }
  }
  links.sort((a, b) => a.weight - b.weight);
  const leftOut = Math.max(0, links.length - MOST_LINKS);
  return { links: links.slice(leftOut), leftOut };
}

export function drawLinks(painter: Painter, links: readonly Link[], content: LinkContent, layout: LinkLayout, palette: Palette): void {
  for (const link of links) {
    const source = layout.sources[link.column];
    const target = layout.targets[link.row];
    if (source === undefined || target === undefined) continue;
    const share = Math.min(1, link.weight / content.largestWeight);
    const curve = layout.isSideBySide ? acrossCurve(source, target) : downCurve(source, target);
    painter.curve(curve, palette.accent, 0.4 + share * THICKEST, 0.06 + share * 0.6);
  }
}

/** The links of what is looked at, and the boxes of the words at their ends by their weight. */
export function drawFocus(painter: Painter, place: Place, content: LinkContent, layout: LinkLayout, palette: Palette): void {
  const links = linksAt(place, content.matrix).filter((link) => link.weight >= Math.max(content.threshold, SMALLEST));
  links.sort((a, b) => a.weight - b.weight);
  for (const link of links) {
    const box = place.row === undefined ? layout.targets[link.row] : layout.sources[link.column];
    if (box !== undefined) tint(painter, box, Math.min(1, link.weight / content.largestWeight), palette);
  }
  drawLinks(painter, links, content, layout, palette);
}

function linksAt({ row, column }: Place, matrix: Matrix): Link[] {
  if (row !== undefined && column !== undefined) return [{ row, column, weight: weightAt(matrix, row, column) }];
  const count = row === undefined ? matrix.rowCount : matrix.columnCount;
  return Array.from({ length: count }, (_, index) => {
    const link = { row: row ?? index, column: column ?? index };
    return { ...link, weight: weightAt(matrix, link.row, link.column) };
  });
}

/** A word's background; never so strong that the word could not be read. */
function tint(painter: Painter, box: WordBox, share: number, palette: Palette): void {
  const look = { radius: 5, opacity: 0.04 + 0.3 * share };
  painter.rectangle(box.x - 1, box.y, box.width + 2, box.height, palette.accent, look);
}

function downCurve(source: WordBox, target: WordBox): Curve {
  const x1 = source.x + source.width / 2;
  const y1 = source.y + source.height;
  const x2 = target.x + target.width / 2;
  const y2 = target.y;
  const bend = Math.max(16, (y2 - y1) * 0.5);
  return { x1, y1, bend1: [x1, y1 + bend], bend2: [x2, y2 - bend], x2, y2 };
}

function acrossCurve(source: WordBox, target: WordBox): Curve {
  // Along the feet of the lines, so that no word is struck through.
  const x1 = source.x + source.width / 2;
  const y1 = source.y + source.height;
  const x2 = target.x + target.width / 2;
  const y2 = target.y + target.height;
  const bend = Math.max(16, Math.abs(x2 - x1) * 0.5);
  return { x1, y1, bend1: [x1 + bend, y1], bend2: [x2 - bend, y2], x2, y2 };
}
