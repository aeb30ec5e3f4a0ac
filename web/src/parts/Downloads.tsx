import { useSignal } from "@preact/signals";
import { asProblem } from "../api/problems";
import { heatMapPng, heatMapSvg, linksPng, linksSvg } from "../draw/files";
import { type Panel } from "../state/panel";
import { standaloneBlob } from "../state/standalone";
import { palette } from "../state/theme";
import { useExplorer } from "./context";

type Make = (panel: Panel) => Promise<Blob | undefined> | Blob | undefined;

/** Everything as a file. */
export function Downloads() {
  const explorer = useExplorer();
  const said = useSignal("");
  const json = (): Blob => new Blob([JSON.stringify(explorer.savedDocument(), null, 1)], { type: "application/json" });
  const save = async (name: string, make: () => Promise<Blob | undefined> | Blob | undefined): Promise<void> => {
    try {
      const file = await make();
      said.value = file ? "" : "There is nothing to save in this view.";
      if (file) saveAs(file, name);
    } catch (error) {
      said.value = asProblem(error).sentence;
    }
  };
  const perPanel: [string, string, Make][] = [
    ["Heat map, PNG", "heat-map.png", (panel) => heatMapPng(explorer.mapContent(panel), panel, palette.value)],
    ["Heat map, SVG", "heat-map.svg", (panel) => heatMapSvg(explorer.mapContent(panel), panel, palette.value)],
    ["Links, PNG", "links.png", (panel) => linksPng(explorer.linkContent(panel), panel, palette.value)],
    ["Links, SVG", "links.svg", (panel) => linksSvg(explorer.linkContent(panel), panel, palette.value)],
  ];
  const panels = explorer.shownPanels.value;
  return (
    <details class="menu">
      <summary>Download</summary>
      <div class="menu-list">
        {panels.flatMap((panel) =>
          perPanel.map(([label, file, make]) => {
            const prefix = panels.length > 1 ? `${panel.answer.value?.version.name ?? ""} ` : "";
            return (
              <button key={prefix + label} type="button" onClick={() => void save(`${prefix.trim()}${prefix && "-"}${file}`, () => make(panel))}>
                {prefix}
                {label}
              </button>
            );
          }),
        )}
        <button type="button" onClick={() => void save("attention.json", json)}>
          Answer, JSON
        </button>
        <button type="button" onClick={() => void save("attention.html", () => standaloneBlob(explorer.savedDocument()))}>
          This page, HTML that needs no server
        </button>
        <p role="status" class="note">
          {said.value}
        </p>
      </div>
    </details>
  );
}

function saveAs(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
