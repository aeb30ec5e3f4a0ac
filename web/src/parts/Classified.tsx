import type { Token } from "../api/messages";
import type { ClassifiedResult, Sentence } from "../answer/answer";
import { CodePoints, directionOf } from "../answer/text";
import { weightAt } from "../answer/weights";
import { asPercent, asWeight } from "../draw/labels";
import { rampIndex } from "../draw/palette";
import type { Panel } from "../state/panel";
import { palette } from "../state/theme";
import { HeadChoice } from "./HeadChoice";
import { Scale } from "./HeatMap";
import { ProblemNote } from "./ProblemNote";
import { WeightTable } from "./WeightTable";
import { useExplorer } from "./context";

/** A classifier's labels, and its text painted by what counted. */
export function Classified({ panel, result }: { panel: Panel; result: ClassifiedResult }) {
  const problem = panel.explainProblem.value;
  return (
    <>
      <div class="card">
        <Labels result={result} />
      </div>
      {problem && <ProblemNote problem={problem} retry={() => (panel.explainProblem.value = undefined)} />}
      {panel.attention.value && (
        <>
          <HeadChoice panel={panel} />
          <figure class="card">
            <figcaption>What counted</figcaption>
            <PaintedText panel={panel} result={result} />
          </figure>
          <WeightTable panel={panel} />
        </>
      )}
    </>
  );
}

function Labels({ result }: { result: ClassifiedResult }) {
  return (
    <table class="labels">
      <caption class="unseen">Probability of each label</caption>
      <tbody>
        {result.labels.map(({ label, probability }) => (
          <tr key={label}>
            <th scope="row">
              <bdi>{label}</bdi>
            </th>
            <td class="bar">
              <Bar share={probability} />
            </td>
            <td>
              <data value={probability}>{asPercent(probability)}</data>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <span class="share" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}

function PaintedText({ panel, result }: { panel: Panel; result: ClassifiedResult }) {
  const explorer = useExplorer();
  const content = explorer.mapContent(panel);
  const attention = panel.attention.value;
  if (!content || !attention) return null;
  const paint = { ...content, tokens: attention.columns, points: new CodePoints(result.text) };
  const { sentences } = result;
  return (
    <>
      <div class="painted" dir={directionOf(result.text)} data-part="painted">
        {sentences.length === 0 ? (
          <Painted paint={paint} begin={0} end={paint.points.length} />
        ) : (
          sentences.map((sentence, index) => <PaintedSentence key={index} paint={paint} sentence={sentence} index={index} />)
        )}
      </div>
      <div class="map-tools">
        <Scale largestWeight={content.largestWeight} />
      </div>
    </>
  );
}

interface Paint {
  matrix: NonNullable<Panel["matrix"]["value"]>;
  largestWeight: number;
  threshold: number;
  tokens: readonly Token[];
  points: CodePoints;
}

function PaintedSentence({ paint, sentence, index }: { paint: Paint; sentence: Sentence; index: number }) {
  return (
    <p class="painted-sentence">
      <span class="sentence-weight" title={`weight of sentence ${index + 1}`}>
        <Bar share={sentence.weight} />
        <span class="unseen">Sentence {index + 1}, weight </span>
        {asWeight(sentence.weight)}
      </span>
      <span>
        <Painted paint={paint} begin={sentence.begin} end={sentence.end} />
      </span>
    </p>
  );
}

/** The text between two places, each token on the colour of its weight. */
function Painted({ paint, begin, end }: { paint: Paint; begin: number; end: number }) {
  const { matrix, largestWeight, threshold, tokens, points } = paint;
  const colours = palette.value;
  const parts = [];
  let place = begin;
  for (const [index, token] of tokens.entries()) {
    if (token.beginOffset < begin || token.endOffset > end || token.endOffset <= place) continue;
    if (token.beginOffset > place) parts.push(points.slice(place, token.beginOffset));
    const weight = weightAt(matrix, 0, index);
    const step = weight < threshold ? 0 : rampIndex(weight, largestWeight);
    parts.push(
      <mark key={index} data-weight={weight} title={asWeight(weight)} style={{ background: colours.ramp[step], color: colours.onRamp[step] }}>
        {points.slice(Math.max(place, token.beginOffset), token.endOffset)}
        <span class="unseen"> ({asWeight(weight)}) </span>
      </mark>,
    );
    place = token.endOffset;
  }
  parts.push(points.slice(place, end));
  return <>{parts}</>;
}
