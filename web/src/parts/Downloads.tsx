import { useSignal } from "@preact/signals";
import { asProblem } from "../api/problems";
import { pngOf, svgOf } from "../draw/files";
import { type Figure, heatMapFigure, linksFigure, pictureMapFigure } from "../draw/figures";
import type { Explorer } from "../state/explorer";
import type { Panel } from "../state/panel";
import { standaloneBlob } from "../state/standalone";
import { palette } from "../state/theme";
import { useExplorer } from "./context";

interface Entry {
  label: string;
  file: string;
  make(): Promise<Blob | undefined> | Blob | undefined;
}

/** Everything as a file. */
export function Downloads() {
  const explorer = useExplorer();
  const said = useSignal("");
  const save = async ({ file, make }: Entry): Promise<void> => {
    try {
      const blob = await make();
      said.value = blob ? "" : "There is nothing to save in this view.";
      if (blob) saveAs(blob, file);
    } catch (error) {
      said.value = asProblem(error).sentence;
    }
  };
  const panels = explorer.shownPanels.value;
  const entries = [...panels.flatMap((panel) => figureEntries(explorer, panel, panels.length > 1)), ...documentEntries(explorer)];
  return (
    <details class="menu">
      <summary>Download</summary>
      <div class="menu-list">
        {entries.map((entry, index) => (
          <button key={index} type="button" onClick={() => void save(entry)}>
            {entry.label}
          </button>
        ))}
        <p role="status" class="note">
          {said.value}
        </p>
      </div>
    </details>
  );
}

/** Each figure of an answer, as PNG and as SVG. */
function figureEntries(explorer: Explorer, panel: Panel, isOneOfTwo: boolean): Entry[] {
  const { name: model, version } = panel.answer.value?.version ?? { name: "", version: "" };
  const [label, file] = isOneOfTwo ? [`${model} ${version}: `, `${model}-${version}-`] : ["", ""];
  return figuresOf(explorer, panel).flatMap(([name, stem, draw]) => [
    { label: `${label}${name}, PNG`, file: `${file}${stem}.png`, make: async () => whenThere(await draw(), pngOf) },
    { label: `${label}${name}, SVG`, file: `${file}${stem}.svg`, make: async () => whenThere(await draw(), svgOf) },
  ]);
}

function whenThere<Made>(figure: Figure | undefined, make: (figure: Figure, colours: typeof palette.value) => Made): Made | undefined {
  return figure && make(figure, palette.value);
}

type Draw = () => Promise<Figure | undefined> | Figure | undefined;

/** The figures that the page shows of an answer. */
function figuresOf(explorer: Explorer, panel: Panel): [string, string, Draw][] {
  const attention = panel.attention.value;
  const content = explorer.mapContent(panel);
  if (!attention || !content) return [];
  const heatMap: [string, string, Draw] = ["Heat map", "heat-map", () => heatMapFigure(content, panel, palette.value)];
  if (panel.result.value?.kind === "classified") return [heatMap];
  return attention.grid
    ? [["Maps over the picture", "picture-maps", () => pictureMapFigure(content, panel, palette.value)], heatMap]
    : [heatMap, ["Links", "links", () => linksFigure(content, panel, palette.value)]];
}

function documentEntries(explorer: Explorer): Entry[] {
  const json = (): Blob => new Blob([JSON.stringify(explorer.savedDocument(), null, 1)], { type: "application/json" });
  return [
    { label: "Answer, JSON", file: "attention.json", make: json },
    { label: "This page, HTML that needs no server", file: "attention.html", make: () => standaloneBlob(explorer.savedDocument()) },
  ];
}

function saveAs(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
