import { useSignal } from "@preact/signals";
import { type Theme, theme } from "../state/theme";
import { useExplorer } from "./context";

const THEMES: [Theme, string][] = [
  ["system", "System theme"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function Header() {
  return (
    <header>
      <h1>
        <span class="mark" aria-hidden="true">
          <svg viewBox="0 0 16 16" width="26" height="26">
            <rect width="16" height="16" rx="4" class="mark-ground" />
            <path d="M5 4.5C5 8 11 8 11 11.5" class="mark-line" />
            <path d="M11 4.5C11 8 5 8 5 11.5" class="mark-line weak" />
            <path d="M5 4.5h0M11 4.5h0M5 11.5h0M11 11.5h0" class="mark-line dots" />
          </svg>
        </span>
        Heed <span class="subtitle">attention explorer</span>
      </h1>
      <div class="header-tools">
        <CopyLink />
        <label class="quiet-select">
          <span class="unseen">Theme</span>
          <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
            {THEMES.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
    </header>
  );
}

function CopyLink() {
  const explorer = useExplorer();
  const said = useSignal("");
  if (explorer.isSaved) return null;
  const copy = async (): Promise<void> => {
    const link = explorer.link();
    const without = explorer.leavesPictureOut() ? "; the picture is too large for it" : "";
    try {
      await navigator.clipboard.writeText(link);
      said.value = `Link copied${without}`;
    } catch {
      said.value = `The link is in the address bar${without}`; // browsers without a secure context have no clipboard
    }
    setTimeout(() => (said.value = ""), without ? 10_000 : 4000);
  };
  return (
    <>
      <span class="said" role="status">
        {said.value}
      </span>
      <button type="button" class="quiet" onClick={() => void copy()}>
        Copy link
      </button>
    </>
  );
}
