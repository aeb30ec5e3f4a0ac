/** Text by code points, as the gateway counts; JavaScript's own indices count UTF-16 units. */
export class CodePoints {
  private readonly points: string[];

  constructor(text: string) {
    this.points = Array.from(text);
  }

  get length(): number {
    return this.points.length;
  }

  slice(begin: number, end?: number): string {
    return this.points.slice(begin, end).join("");
  }
}

const RIGHT_TO_LEFT = /\p{Script=Hebrew}|\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko}|\p{Script=Adlam}/u;
const LETTER = /\p{L}/u;

/** The direction in which a text is read: that of its first letter. */
export function directionOf(text: string): "ltr" | "rtl" {
  const first = LETTER.exec(text)?.[0];
  return first !== undefined && RIGHT_TO_LEFT.test(first) ? "rtl" : "ltr";
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** At most so many characters as people count them, with … where something is left out. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(segmenter.segment(text), (each) => each.segment);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** A token's text where it stands alone: what would be invisible, or hang in the air, gets a form. */
export function visible(text: string): string {
  if (text === "") return "∅";
  if (/^\s+$/u.test(text)) return "␣".repeat(Array.from(text).length);
  const seen = text.trim();
  return /^\p{M}/u.test(seen) ? `◌${seen}` : seen;
}
