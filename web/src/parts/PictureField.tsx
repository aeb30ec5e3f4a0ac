import { useSignal } from "@preact/signals";
import { pictureUrl } from "../answer/read";
import { useExplorer } from "./context";

/** Takes a picture from the disk, the clipboard, or by dropping it. */
export function PictureField() {
  const explorer = useExplorer();
  const problem = useSignal("");
  const take = async (file: File | undefined | null): Promise<void> => {
    if (!file) return;
    problem.value = /^image\/(png|jpeg)$/.test(file.type) ? "" : "The picture must be a PNG or a JPEG.";
    if (problem.value === "") explorer.picture.value = await base64Of(file);
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void take(event.dataTransfer?.files[0]);
  };
  return (
    <div
      class="picture-field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
      onPaste={(event) => void take(event.clipboardData?.files[0])}
    >
      <label>
        <span class="label">Picture (PNG or JPEG; choose, drop or paste one)</span>
        <input type="file" accept="image/png,image/jpeg" onChange={(event) => void take(event.currentTarget.files?.[0])} />
      </label>
      {problem.value && <p role="alert">{problem.value}</p>}
      {explorer.picture.value && <img src={pictureUrl(explorer.picture.value)} alt="The picture to ask about" />}
    </div>
  );
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let begin = 0; begin < bytes.length; begin += 8192) text += String.fromCharCode(...bytes.subarray(begin, begin + 8192));
  return btoa(text);
}
