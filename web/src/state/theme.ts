import { computed, effect, signal } from "@preact/signals";
import { readPalette } from "../draw/palette";

export type Theme = "system" | "light" | "dark";

const KEY = "heed-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(remembered());
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", (event) => (systemIsDark.value = event.matches));

export const shownTheme = computed<"light" | "dark">(() => {
  if (theme.value === "system") return systemIsDark.value ? "dark" : "light";
  return theme.value;
});

/** The colours of the theme that is shown. */
export const palette = computed(() => {
  document.documentElement.dataset["theme"] = shownTheme.value;
  return readPalette();
});

effect(() => {
  void palette.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Without storage the choice holds for this visit.
  }
});

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}
