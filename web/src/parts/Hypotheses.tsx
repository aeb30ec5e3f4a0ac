import type { Token } from "../api/messages";
import type { Hypothesis, WrittenResult } from "../answer/answer";
import { CodePoints, directionOf } from "../answer/text";
import { asPercent } from "../draw/labels";
import type { Panel } from "../state/panel";

/** The outputs side by side, each token coloured by its probability. */
export function Hypotheses({ panel, result }: { panel: Panel; result: WrittenResult }) {
  const several = result.hypotheses.length > 1;
  return (
    <>
    <div class={`hypotheses ${several ? "several" : ""}`}>
      {result.hypotheses.map((hypothesis, index) => (
        <article
          key={index}
          class={`card hypothesis ${several && panel.hypothesisIndex.value === index ? "chosen" : ""}`}
          data-part="hypothesis"
        >
          <p class="output" dir={directionOf(hypothesis.text)}>
            <ScoredText hypothesis={hypothesis} />
          </p>
          <p class="note scores">
            {several && (
              <button
                type="button"
                class="chip"
                aria-pressed={panel.hypothesisIndex.value === index}
                onClick={() => panel.choose(panel.resultIndex.value, index)}
              >
                {index + 1}. explore
              </button>
            )}
            <span>
              score <data value={hypothesis.score}>{hypothesis.score.toFixed(3)}</data>
            </span>
            {hypothesis.rankScore !== undefined && hypothesis.rankScore.toFixed(3) !== hypothesis.score.toFixed(3) && (
              <span>ranked by {hypothesis.rankScore.toFixed(3)}</span>
            )}
            {hypothesis.isCut && <span>cut at the longest length</span>}
          </p>
        </article>
      ))}
    </div>
    <ScoreLegend />
    </>
  );
}

/** The text in its tokens, by their places in it; what lies between them stays as it is. */
function ScoredText({ hypothesis }: { hypothesis: Hypothesis }) {
  const points = new CodePoints(hypothesis.text);
  const parts = [];
  let place = 0;
  for (const [index, token] of hypothesis.tokens.entries()) {
    if (token.beginOffset > place) parts.push(points.slice(place, token.beginOffset));
    const text = points.slice(Math.max(place, token.beginOffset), token.endOffset);
    place = Math.max(place, token.endOffset);
    if (token.kind === "TOKEN_KIND_END") parts.push(<EndToken token={token} />);
    else if (text !== "") parts.push(<ScoredToken key={index} token={token} text={text} />);
  }
  parts.push(points.slice(place));
  return <>{parts}</>;
}

function ScoredToken({ token, text }: { token: Token; text: string }) {
  return (
    <span class={`scored doubt-${doubtOf(token)}`} title={titleOf(token)}>
      {text}
    </span>
  );
}

function EndToken({ token }: { token: Token }) {
  return (
    <span class={`scored end doubt-${doubtOf(token)}`} title={`end: ${titleOf(token)}`}>
      <span aria-hidden="true">·</span>
    </span>
  );
}

function titleOf(token: Token): string {
  return token.score === undefined ? "" : `probability ${asPercent(Math.exp(token.score))}`;
}

/** Five steps, from sure to very doubtful. */
function doubtOf(token: Token): number {
  const probability = Math.exp(token.score ?? 0);
  return [0.9, 0.6, 0.3, 0.1].filter((bound) => probability < bound).length;
}

function ScoreLegend() {
  return (
    <p class="note legend">
      Probability of each token:
      {["over 90 %", "over 60 %", "over 30 %", "over 10 %", "less"].map((name, step) => (
        <span key={step} class={`scored doubt-${step}`}>
          {name}
        </span>
      ))}
    </p>
  );
}
