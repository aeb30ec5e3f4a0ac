import { render } from "preact";
import { readDocument } from "./answer/read";
import type { SavedDocument } from "./answer/answer";
import { asProblem } from "./api/problems";
import { App } from "./parts/App";
import { ProblemNote } from "./parts/ProblemNote";
import { Explorer } from "./state/explorer";
import "./styles/index.css";

const root = document.getElementById("explorer")!;
try {
  const explorer = new Explorer(savedDocument());
  render(<App explorer={explorer} />, root);
  void explorer.start(location.hash);
  addEventListener("hashchange", () => {
    if (location.hash.includes("=")) void explorer.start(location.hash); // a view, and no place on the page
  });
} catch (error) {
  render(<ProblemNote problem={asProblem(error)} />, root); // a file that holds something else
}

/** What a saved page shows; undefined on a gateway's page. */
function savedDocument(): SavedDocument | undefined {
  const text = document.getElementById("heed-document")?.textContent;
  return text ? readDocument(JSON.parse(text)) : undefined;
}
