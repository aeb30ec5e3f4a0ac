/** The colours of pictures; CSS has them, for each theme. */
export interface Palette {
  surface: string;
  ink: string;
  muted: string;
  line: string;
  accent: string;
  /** 256 colours from no weight to the largest. */
  ramp: readonly string[];
  /** The same as bytes, red, green, blue, 255. */
  rampBytes: Uint8ClampedArray;
  /** For each colour of the ramp the text colour that can be read on it. */
  onRamp: readonly string[];
  font: string;
}

type Colour = [number, number, number];

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const anchors = ["--ramp-0", "--ramp-1", "--ramp-2", "--ramp-3", "--ramp-4"].map((name) => parseHex(value(name)));
  const colours = Array.from({ length: 256 }, (_, index) => between(anchors, index / 255));
  const dark: Colour = [20, 20, 26];
  const light: Colour = [255, 255, 255];
  return {
    surface: value("--surface"),
    ink: value("--ink"),
    muted: value("--muted"),
    line: value("--line"),
    accent: value("--accent"),
    ramp: colours.map(asHex),
    rampBytes: Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255])),
    onRamp: colours.map((colour) => asHex(contrast(colour, dark) >= contrast(colour, light) ? dark : light)),
    font: style.fontFamily || "sans-serif",
  };
}

/** The place on the ramp of a weight between 0 and the largest. */
export function rampIndex(weight: number, largestWeight: number): number {
  if (!(weight > 0) || largestWeight <= 0) return 0;
  return Math.min(255, Math.round((weight / largestWeight) * 255));
}

function between(anchors: readonly Colour[], place: number): Colour {
  const at = place * (anchors.length - 1);
  const index = Math.min(Math.floor(at), anchors.length - 2);
  const share = at - index;
  const [from, to] = [anchors[index]!, anchors[index + 1]!];
  return [0, 1, 2].map((part) => Math.round(from[part]! + (to[part]! - from[part]!) * share)) as Colour;
}

/** #rrggbb or #rgb, as a build may shorten it. */
function parseHex(text: string): Colour {
  const digits = text.length === 4 ? text.slice(1).replace(/./g, "$&$&") : text.slice(1);
  const number = parseInt(digits, 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function asHex(colour: Colour): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** The contrast ratio of WCAG 2. */
function contrast(one: Colour, other: Colour): number {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter! + 0.05) / (darker! + 0.05);
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
