import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Token } from "../api/messages";
import type { WrittenResult } from "../answer/answer";
import { directionOf } from "../answer/text";
import { asPercent, labelOf } from "../draw/labels";
import { type LinkLayout, MOST_LINKS, drawFocus, drawLinks, linksOf } from "../draw/links";
import { measuredLayout } from "../draw/measured-layout";
import { CanvasPainter } from "../draw/painter";
import { preparedContext } from "../draw/surface";
import type { Panel, Place } from "../state/panel";
import { palette } from "../state/theme";
import { useExplorer } from "./context";
import { moveAmongWords } from "./word-keys";

/** Above so many words the two texts stand beside each other where there is room. */
const MANY_WORDS = 60;

/** Source and target words, and links between them as thick as their weights. */
export function Links({ panel, result }: { panel: Panel; result: WrittenResult }) {
  const explorer = useExplorer();
  const figure = useRef<HTMLDivElement>(null);
  const everything = useRef<HTMLCanvasElement>(null);
  const focused = useRef<HTMLCanvasElement>(null);
  const layout = useSignal<LinkLayout | undefined>(undefined);
  const content = useComputed(() => explorer.linkContent(panel));
  const drawn = useComputed(() => content.value && linksOf(content.value));
  const attention = panel.attention.value!;
  const isLong = attention.rows.length + attention.columns.length > MANY_WORDS;

  useLayoutEffect(() => {
    const element = figure.current!;
    const measure = (): void => {
      layout.value = measuredLayout(element);
      panel.linkLayout = layout.value;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    void document.fonts.ready.then(measure);
    return () => observer.disconnect();
  }, [attention, isLong]);

  useSignalEffect(() => {
    const [links, size] = [drawn.value, layout.value];
    if (!links || !size || !everything.current || !content.value) return;
    const context = preparedContext(everything.current, size.width, size.height);
    drawLinks(new CanvasPainter(context, palette.value.font), links.links, content.value, size, palette.value);
  });
  useSignalEffect(() => {
    const [place, size] = [panel.place.value, layout.value];
    if (!size || !focused.current || !everything.current || !content.value) return;
    everything.current.classList.toggle("dimmed", place !== undefined);
    const context = preparedContext(focused.current, size.width, size.height);
    if (place === undefined) return;
    const painter = new CanvasPainter(context, palette.value.font);
    drawFocus(painter, place, content.value, size, palette.value);
  });

  return (
    <>
      <div
        ref={figure}
        class={`links ${isLong ? "long" : ""} unit-${attention.unit}`}
        data-part="links"
        onKeyDown={moveAmongWords}
        onPointerOver={(event) => look(panel, placeOf(event.target))}
        onPointerLeave={() => look(panel, undefined)}
        onFocusIn={(event) => look(panel, placeOf(event.target))}
        onFocusOut={() => look(panel, undefined)}
      >
        <canvas ref={everything} aria-hidden="true" />
        <canvas ref={focused} aria-hidden="true" />
        <Words panel={panel} side="source" tokens={attention.columns} text={result.text} />
        <Words panel={panel} side="target" tokens={attention.rows} text={panel.hypothesis.value?.text ?? ""} />
      </div>
      {(drawn.value?.leftOut ?? 0) > 0 && (
        <p class="note">
          The {MOST_LINKS} strongest links are drawn; {drawn.value!.leftOut} weaker ones show when you point at their words.
        </p>
      )}
    </>
  );
}

/** The words of one text. They draw themselves once: what is pointed at is drawn behind them. */
function Words({ panel, side, tokens, text }: { panel: Panel; side: "source" | "target"; tokens: readonly Token[]; text: string }) {
  const pinned = panel.pinned.value;
  const pressed = side === "source" ? pinned?.column : pinned?.row;
  return (
    <div class={`words ${side}`} role="toolbar" aria-label={side === "source" ? "Words of the source" : "Words of the output"} dir={directionOf(text)}>
      {tokens.map((token, index) => (
        <button
          key={index}
          type="button"
          class={`word ${token.kind === "TOKEN_KIND_END" ? "end" : ""} ${beginsWord(tokens, index) ? "begins" : ""}`}
          tabIndex={index === 0 ? 0 : -1}
          data-side={side}
          data-index={index}
          aria-pressed={pressed === index}
          title={token.score === undefined ? undefined : `probability ${asPercent(Math.exp(token.score))}`}
          onClick={() => pin(panel, side === "source" ? { column: index } : { row: index })}
        >
          <bdi>{labelOf(token)}</bdi>
        </button>
      ))}
    </div>
  );
}

function beginsWord(tokens: readonly Token[], index: number): boolean {
  const [before, token] = [tokens[index - 1], tokens[index]!];
  return before === undefined || token.beginOffset > before.endOffset || /^\s/u.test(token.text) || /\s$/u.test(before.text);
}

function placeOf(target: EventTarget | null): Place | undefined {
  const word = target instanceof Element ? target.closest<HTMLElement>("[data-index]") : null;
  if (word === null) return undefined;
  const index = Number(word.dataset["index"]);
  return word.dataset["side"] === "source" ? { column: index } : { row: index };
}

function look(panel: Panel, place: Place | undefined): void {
  const now = panel.hovered.peek();
  if (now?.row !== place?.row || now?.column !== place?.column) panel.hovered.value = place;
}

export function pin(panel: Panel, place: Place): void {
  const now = panel.pinned.peek();
  const isSame = now?.row === place.row && now?.column === place.column;
  panel.pinned.value = isSame ? undefined : place;
}
