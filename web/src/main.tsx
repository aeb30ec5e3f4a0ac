import { render } from "preact";
import { readDocument } from "./answer/read";
import type { SavedDocument } from "./answer/answer";
import { App } from "./parts/App";
import { Explorer } from "./state/explorer";
import "./styles/index.css";

const explorer = new Explorer(savedDocument());
const root = document.getElementById("explorer")!;
render(<App explorer={explorer} />, root);
void explorer.start(location.hash);

/** What a saved page shows; undefined on a gateway's page. */
function savedDocument(): SavedDocument | undefined {
  const text = document.getElementById("heed-document")?.textContent;
  return text ? readDocument(JSON.parse(text)) : undefined;
}
