import type { WrittenResult } from "../answer/answer";
import type { Panel } from "../state/panel";
import { FocusLine } from "./FocusLine";
import { HeadChoice } from "./HeadChoice";
import { HeatMap } from "./HeatMap";
import { Hypotheses } from "./Hypotheses";
import { Links } from "./Links";
import { PictureMap } from "./PictureMap";
import { ProblemNote } from "./ProblemNote";
import { WeightTable } from "./WeightTable";
import { WhatIf } from "./WhatIf";

/** A generated or scored output: its hypotheses, and what the model looked at. */
export function Written({ panel, result }: { panel: Panel; result: WrittenResult }) {
  const attention = panel.attention.value;
  const problem = panel.explainProblem.value;
  return (
    <>
      <Hypotheses panel={panel} result={result} />
      {problem && <ProblemNote problem={problem} retry={() => panel.choose(panel.resultIndex.value, panel.hypothesisIndex.value)} />}
      {attention ? (
        <>
          <HeadChoice panel={panel} />
          <div class="figures">
            <figure class="card figure-links">
              <figcaption>{attention.grid ? "Where it looked" : "Links"}</figcaption>
              {attention.grid ? <PictureMap panel={panel} result={result} /> : <Links panel={panel} result={result} />}
              <FocusLine panel={panel} />
              <WhatIf panel={panel} />
            </figure>
            <figure class="card figure-map">
              <figcaption>Heat map</figcaption>
              <HeatMap panel={panel} />
              <WeightTable panel={panel} />
            </figure>
          </div>
        </>
      ) : (
        <p class="note" role="status">
          {panel.explaining.value ? "Asking for the weights …" : problem ? "" : "This answer came without attention."}
        </p>
      )}
    </>
  );
}
