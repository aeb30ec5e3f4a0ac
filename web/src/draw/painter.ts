/** What pictures are drawn on: a canvas, or an SVG file. Both get the same picture. */
export interface Painter {
  rectangle(x: number, y: number, width: number, height: number, fill: string, look?: RectangleLook): void;
  /** A picture, the whole of it, into a place. */
  raster(raster: Raster, x: number, y: number, width: number, height: number): void;
  curve(points: Curve, stroke: string, width: number, opacity: number): void;
  text(text: string, x: number, y: number, style: TextStyle): void;
}

/** Round corners in pixels, and how much hides what lies below, 0 to 1. */
export interface RectangleLook {
  radius?: number;
  opacity?: number;
}

/** A picture that can be drawn, and that a file can hold. */
export interface Raster {
  canvas: HTMLCanvasElement;
  /** The same as a data URL. */
  url: string;
  /** Whether its pixels keep their edges: it is shown larger than it is. */
  isSharp: boolean;
}

/** A cubic curve: both ends, and the points that bend it. */
export interface Curve {
  x1: number;
  y1: number;
  bend1: [number, number];
  bend2: [number, number];
  x2: number;
  y2: number;
}

export interface TextStyle {
  size: number;
  colour: string;
  align?: "start" | "middle" | "end";
  bold?: boolean;
  /** Degrees, clockwise. */
  turn?: number;
  direction?: "ltr" | "rtl";
}

export class CanvasPainter implements Painter {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly font: string,
  ) {}

  rectangle(x: number, y: number, width: number, height: number, fill: string, { radius = 0, opacity = 1 }: RectangleLook = {}): void {
    const { context } = this;
    context.globalAlpha = opacity;
    context.fillStyle = fill;
    context.beginPath();
    if (radius === 0) context.fillRect(x, y, width, height);
    else {
      context.roundRect(x, y, width, height, radius);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  raster({ canvas, isSharp }: Raster, x: number, y: number, width: number, height: number): void {
    this.context.imageSmoothingEnabled = !isSharp;
    this.context.drawImage(canvas, x, y, width, height);
  }

  curve(points: Curve, stroke: string, width: number, opacity: number): void {
    const { context } = this;
    context.globalAlpha = opacity;
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(points.x1, points.y1);
    context.bezierCurveTo(...points.bend1, ...points.bend2, points.x2, points.y2);
    context.stroke();
    context.globalAlpha = 1;
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const { context } = this;
    const aligns = { start: "left", middle: "center", end: "right" } as const;
    context.save();
    context.translate(x, y);
    if (style.turn) context.rotate((style.turn * Math.PI) / 180);
    context.font = `${style.bold ? "600 " : ""}${style.size}px ${this.font}`;
    context.fillStyle = style.colour;
    context.textAlign = aligns[style.align ?? "start"];
    context.textBaseline = "middle";
    context.direction = style.direction ?? "ltr";
    context.fillText(text, 0, 0);
    context.restore();
  }
}

export class SvgPainter implements Painter {
  private readonly parts: string[] = [];
  private readonly rasters: Raster[] = [];

  constructor(private readonly font: string) {}

  rectangle(x: number, y: number, width: number, height: number, fill: string, { radius = 0, opacity = 1 }: RectangleLook = {}): void {
    const corner = radius ? ` rx="${radius}"` : "";
    const clear = opacity < 1 ? ` fill-opacity="${short(opacity)}"` : "";
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${fill}"${corner}${clear}/>`);
  }

  /** A picture that is drawn several times is in the file once. */
  raster(raster: Raster, x: number, y: number, width: number, height: number): void {
    const known = this.rasters.indexOf(raster);
    const index = known >= 0 ? known : this.rasters.push(raster) - 1;
    const scale = `${width / raster.canvas.width} ${height / raster.canvas.height}`;
    this.parts.push(`<use href="#picture-${index}" transform="translate(${short(x)} ${short(y)}) scale(${scale})"/>`);
  }

  curve({ x1, y1, bend1, bend2, x2, y2 }: Curve, stroke: string, width: number, opacity: number): void {
    const path = `M${short(x1)} ${short(y1)}C${[...bend1, ...bend2, x2, y2].map(short).join(" ")}`;
    this.parts.push(
      `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="${short(width)}" stroke-opacity="${short(opacity)}"/>`,
    );
  }

  text(text: string, x: number, y: number, style: TextStyle): void {
    const place = style.turn
      ? `transform="translate(${short(x)} ${short(y)}) rotate(${style.turn})"`
      : `x="${short(x)}" y="${short(y)}"`;
    // "start" is where reading begins; "left" is what is meant.
    const isTurned = style.direction === "rtl" && style.align !== "middle";
    const anchor = isTurned ? (style.align === "end" ? "start" : "end") : (style.align ?? "start");
    this.parts.push(
      `<text ${place} font-size="${style.size}" fill="${style.colour}" text-anchor="${anchor}" ` +
        `dominant-baseline="central"${style.bold ? ' font-weight="600"' : ""} direction="${style.direction ?? "ltr"}">${escaped(text)}</text>`,
    );
  }

  /** The file. */
  document(width: number, height: number, title: string): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${short(height)}" ` +
      `viewBox="0 0 ${short(width)} ${short(height)}" font-family="${escaped(this.font)}" role="img">` +
      `<title>${escaped(title)}</title>${this.definitions()}${this.parts.join("")}</svg>\n`
    );
  }

  private definitions(): string {
    if (this.rasters.length === 0) return "";
    const images = this.rasters.map(
      ({ canvas, url, isSharp }, index) =>
        `<image id="picture-${index}" width="${canvas.width}" height="${canvas.height}" href="${url}"${isSharp ? ' style="image-rendering:pixelated"' : ""}/>`,
    );
    return `<defs>${images.join("")}</defs>`;
  }
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  // Control characters may not stand in XML.
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "�");
}
