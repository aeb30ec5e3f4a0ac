import type { Figure } from "./figures";
import { CanvasPainter, SvgPainter } from "./painter";
import type { Palette } from "./palette";

const PNG_SCALE = 2;

export function svgOf(figure: Figure, palette: Palette): Blob {
  const painter = new SvgPainter(palette.font);
  figure.draw(painter);
  return new Blob([painter.document(figure.width, figure.height, figure.title)], { type: "image/svg+xml" });
}

export async function pngOf(figure: Figure, palette: Palette): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(figure.width * PNG_SCALE);
  canvas.height = Math.ceil(figure.height * PNG_SCALE);
  const context = canvas.getContext("2d")!;
  context.scale(PNG_SCALE, PNG_SCALE);
  figure.draw(new CanvasPainter(context, palette.font));
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("The picture is too large for this browser; SVG has no limit.");
  return blob;
}
