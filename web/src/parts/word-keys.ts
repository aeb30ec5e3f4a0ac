/** Arrow keys, Home and End move among words; one word of each text is a stop of the Tab key. */
export function moveAmongWords(event: KeyboardEvent): void {
  const word = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-index]") : null;
  const bar = word?.closest<HTMLElement>(".words");
  const figure = bar?.parentElement;
  if (!word || !bar || !figure) return;
  const words = Array.from(bar.querySelectorAll<HTMLElement>("[data-index]"));
  const other = figure.querySelector<HTMLElement>(`.words:not(.${bar.classList.contains("source") ? "source" : "target"}) [tabindex="0"]`);
  const forward = bar.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = bar.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
  const index = words.indexOf(word);
  const next: Record<string, HTMLElement | null | undefined> = {
    [forward]: words[index + 1],
    [back]: words[index - 1],
    Home: words[0],
    End: words.at(-1),
    ArrowDown: bar.classList.contains("source") ? other : undefined,
    ArrowUp: bar.classList.contains("target") ? other : undefined,
  };
  const found = next[event.key];
  if (!found) return;
  event.preventDefault();
  if (words.includes(found)) {
    word.tabIndex = -1;
    found.tabIndex = 0;
  }
  found.focus();
}
