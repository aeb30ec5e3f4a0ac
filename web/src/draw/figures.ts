import { directionOf } from "../answer/text";
import type { Panel } from "../state/panel";
import { type HeatMapContent, drawHeatMapFigure, heatMapFigureSize } from "./heat-map-figure";
import type { MapContent } from "./heat-map-view";
import { labelOf, rowLabels } from "./labels";
import { type LinkContent, drawFocus, drawLinks, linksOf } from "./links";
import type { Painter } from "./painter";
import type { Palette } from "./palette";
import { allRows } from "./picture-map";
import { type PictureMapContent, drawPictureMapFigure, pictureMapFigureSize, shownSize } from "./picture-map-figure";
import { rasterOf } from "./raster";

const MARGIN = 16;

/** A picture to be kept. */
export interface Figure {
  width: number;
  height: number;
  title: string;
  draw(painter: Painter): void;
}

export function heatMapFigure(content: MapContent, panel: Panel, palette: Palette): Figure {
  const figure: HeatMapContent = { ...content, title: titleOf(panel) };
  const draw = (painter: Painter): void => void drawHeatMapFigure(painter, figure, palette);
  return { ...heatMapFigureSize(figure), title: figure.title, draw };
}

/** The picture with a map for the word that is kept, or one for each word. */
export async function pictureMapFigure(content: LinkContent, panel: Panel, palette: Palette): Promise<Figure | undefined> {
  const [attention, result] = [panel.attention.value, panel.result.value];
  const grid = attention?.grid;
  if (!attention || !grid || result?.kind !== "written") return undefined;
  const kept = panel.kept.value?.row;
  const rows = kept === undefined ? allRows(content.matrix) : [kept];
  const raster = result.picture ? await rasterOf(result.picture, shownSize(grid, rows.length)) : undefined;
  const figure: PictureMapContent = { ...content, grid, raster, rows, labels: rowLabels(attention), title: titleOf(panel) };
  const draw = (painter: Painter): void => drawPictureMapFigure(painter, figure, palette);
  return { ...pictureMapFigureSize(figure), title: figure.title, draw };
}

/** The links as they stand on the page; those of the word that is kept, if one is. */
export function linksFigure(content: LinkContent, panel: Panel, palette: Palette): Figure | undefined {
  const layout = panel.linkLayout;
  const attention = panel.attention.value;
  if (layout === undefined || attention === undefined) return undefined;
  const draw = (painter: Painter): void => {
    painter.rectangle(0, 0, layout.width + 2 * MARGIN, layout.height + 2 * MARGIN, palette.surface);
    const inner = shifted(painter, MARGIN);
    const place = panel.kept.value;
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

function titleOf(panel: Panel): string {
  const version = panel.answer.value?.version;
  return version ? `${version.name}, version ${version.version}` : "";
}

function shifted(painter: Painter, by: number): Painter {
  return {
    rectangle: (x, y, ...rest) => painter.rectangle(x + by, y + by, ...rest),
    raster: (raster, x, y, ...rest) => painter.raster(raster, x + by, y + by, ...rest),
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
