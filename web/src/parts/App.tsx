import type { Explorer } from "../state/explorer";
import { AnswerPanel } from "./AnswerPanel";
import { Compose } from "./Compose";
import { Header } from "./Header";
import { ViewBar } from "./ViewBar";
import { ExplorerContext } from "./context";

export function App({ explorer }: { explorer: Explorer }) {
  const panels = explorer.shownPanels.value;
  return (
    <ExplorerContext.Provider value={explorer}>
      <a class="skip" href="#answers">
        To the answer
      </a>
      <Header />
      <main>
        {!explorer.isSaved && <Compose />}
        <div id="answers" tabIndex={-1}>
          {panels.length > 0 ? <ViewBar /> : <Welcome />}
          <div class={`panels panels-${panels.length}`}>
            {panels.map((panel) => (
              <AnswerPanel key={panel.index} panel={panel} />
            ))}
          </div>
        </div>
      </main>
      <footer>
        <p>
          Weights and probabilities are the model's own; this page rounds them to three decimals and percentages to one. The
          JSON has them in full. Attention is a hint to what a model used, not a proof.
        </p>
      </footer>
    </ExplorerContext.Provider>
  );
}

function Welcome() {
  return (
    <p class="welcome">
      The answer appears here as it is generated, with links to the words that the model looked at while it wrote each of its
      own.
    </p>
  );
}
