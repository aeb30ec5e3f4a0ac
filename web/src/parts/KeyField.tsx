import { useSignal } from "@preact/signals";
import { useExplorer } from "./context";

export function KeyField() {
  const explorer = useExplorer();
  const key = useSignal(explorer.gateway.apiKey);
  const use = async (): Promise<void> => {
    explorer.gateway.apiKey = key.value.trim();
    await explorer.loadModels();
    await explorer.askIfThere();
  };
  return (
    <div class="key-row">
      <label class="grow">
        <span class="label">API key (kept by this page until it is closed, and sent to this gateway alone)</span>
        <input
          type="password"
          autocomplete="off"
          value={key.value}
          onInput={(event) => (key.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            void use();
          }}
        />
      </label>
      <button type="button" onClick={() => void use()}>
        Use key
      </button>
    </div>
  );
}
