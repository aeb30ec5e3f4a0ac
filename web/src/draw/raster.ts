import type { Raster } from "./painter";

/** So many pixels for each that is shown: enough for sharp screens, and no more than a file needs. */
const PIXELS_PER_SHOWN = 2;

/** A picture, upright, of its own size or of what is needed where it is shown smaller. */
export async function rasterOf(url: string, shown: { width: number; height: number }): Promise<Raster> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const scale = Math.min(1, (PIXELS_PER_SHOWN * shown.width) / image.naturalWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return { canvas, url: canvas.toDataURL("image/png"), isSharp: canvas.width < shown.width };
}
