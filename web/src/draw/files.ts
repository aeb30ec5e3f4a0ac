import { directionOf } from "../answer/text";
import type { Panel } from "../state/panel";
import { type HeatMapContent, drawHeatMapFigure, heatMapFigureSize } from "./heat-map-figure";
import type { MapContent } from "./heat-map-view";
import { labelOf } from "./labels";
import { type LinkContent, drawFocus, drawLinks, linksOf } from "./links";
import { CanvasPainter, type Painter, SvgPainter } from "./painter";
import type { Palette } from "./palette";

const PNG_SCALE = 2;
const MARGIN = 16;

interface Picture {
  width: number;
  height: number;
  title: string;
  draw(painter: Painter): void;
}

export function heatMapSvg(content: MapContent | undefined, panel: Panel, palette: Palette): Blob | undefined {
  return asSvg(heatMapPicture(content, panel, palette), palette);
}

export function heatMapPng(content: MapContent | undefined, panel: Panel, palette: Palette): Promise<Blob | undefined> {
  return asPng(heatMapPicture(content, panel, palette), palette);
}

export function linksSvg(content: LinkContent | undefined, panel: Panel, palette: Palette): Blob | undefined {
  return asSvg(linksPicture(content, panel, palette), palette);
}

export function linksPng(content: LinkContent | undefined, panel: Panel, palette: Palette): Promise<Blob | undefined> {
  return asPng(linksPicture(content, panel, palette), palette);
}

function titleOf(panel: Panel): string {
  const version = panel.answer.value?.version;
  return version ? `${version.name}, version ${version.version}` : "";
}

function heatMapPicture(content: MapContent | undefined, panel: Panel, palette: Palette): Picture | undefined {
  if (content === undefined) return undefined;
  const figure: HeatMapContent = { ...content, title: titleOf(panel) };
  const draw = (painter: Painter): void => void drawHeatMapFigure(painter, figure, palette);
  return { ...heatMapFigureSize(figure), title: figure.title, draw };
}

/** The links as they stand on the page; those of the word that is kept, if one is. */
function linksPicture(content: LinkContent | undefined, panel: Panel, palette: Palette): Picture | undefined {
  const layout = panel.linkLayout;
  const attention = panel.attention.value;
  if (content === undefined || layout === undefined || attention === undefined || attention.grid) return undefined;
  const draw = (painter: Painter): void => {
    painter.rectangle(0, 0, layout.width + 2 * MARGIN, layout.height + 2 * MARGIN, palette.surface);
    const inner = shifted(painter, MARGIN);
    const place = panel.pinned.value;
    if (place) drawFocus(inner, place, content, layout, palette);
    else drawLinks(inner, linksOf(content).links, content, layout, palette);
    const write = (tokens: typeof attention.rows, boxes: typeof layout.sources): void =>
      tokens.forEach((token, index) => {
        const box = boxes[index];
        const text = labelOf(token);
        const style = { size: 15, colour: palette.ink, align: "middle", direction: directionOf(text) } as const;
        if (box) inner.text(text, box.x + box.width / 2, box.y + box.height / 2, style);
      });
    write(attention.columns, layout.sources);
    write(attention.rows, layout.targets);
  };
  return { width: layout.width + 2 * MARGIN, height: layout.height + 2 * MARGIN, title: titleOf(panel), draw };
}

function shifted(painter: Painter, by: number): Painter {
  return {
    rectangle: (x, y, ...rest) => painter.rectangle(x + by, y + by, ...rest),
    text: (text, x, y, style) => painter.text(text, x + by, y + by, style),
    curve: ({ x1, y1, bend1, bend2, x2, y2 }, ...rest) =>
      painter.curve(
        {
          x1: x1 + by,
          y1: y1 + by,
          bend1: [bend1[0] + by, bend1[1] + by],
          bend2: [bend2[0] + by, bend2[1] + by],
          x2: x2 + by,
          y2: y2 + by,
        },
        ...rest,
      ),
  };
}

function asSvg(picture: Picture | undefined, palette: Palette): Blob | undefined {
  if (picture === undefined) return undefined;
  const painter = new SvgPainter(palette.font);
  picture.draw(painter);
  return new Blob([painter.document(picture.width, picture.height, picture.title)], { type: "image/svg+xml" });
}

async function asPng(picture: Picture | undefined, palette: Palette): Promise<Blob | undefined> {
  if (picture === undefined) return undefined;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(picture.width * PNG_SCALE);
  canvas.height = Math.ceil(picture.height * PNG_SCALE);
  const context = canvas.getContext("2d")!;
  context.scale(PNG_SCALE, PNG_SCALE);
  picture.draw(new CanvasPainter(context, palette.font));
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("The picture is too large for this browser; SVG has no limit.");
  return blob;
}
