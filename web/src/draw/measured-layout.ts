import type { LinkLayout, WordBox } from "./links";

/** Where the words of a figure stand now. */
export function measuredLayout(figure: HTMLElement): LinkLayout {
  const own = figure.getBoundingClientRect();
  const boxes = (side: string): WordBox[] =>
    Array.from(figure.querySelectorAll(`[data-side="${side}"]`), (word) => {
      const box = word.getBoundingClientRect();
      return { x: box.x - own.x, y: box.y - own.y, width: box.width, height: box.height };
    });
  const [sources, targets] = [boxes("source"), boxes("target")];
  const [source, target] = [".source", ".target"].map((name) => figure.querySelector(name)?.getBoundingClientRect());
  const isSideBySide = source !== undefined && target !== undefined && target.x >= source.right;
  return { width: own.width, height: own.height, isSideBySide, sources, targets };
}
