import { useSignal } from "@preact/signals";
import { pictureUrl } from "../answer/read";
import { pictureOf } from "../state/chosen-picture";
import { useExplorer } from "./context";

/** Takes a picture from the disk, the clipboard, or by dropping it. */
export function PictureField() {
  const explorer = useExplorer();
  const problem = useSignal("");
  const take = async (file: File | undefined | null): Promise<void> => {
    if (!file) return;
    problem.value = /^image\/(png|jpeg)$/.test(file.type) ? "" : "The picture must be a PNG or a JPEG.";
    if (problem.value === "") explorer.choosePicture(await pictureOf(file));
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void take(event.dataTransfer?.files[0]);
  };
  const { content } = explorer.picture.value;
  const missing = explorer.missingPicture.value;
  return (
    <div
      class="picture-field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
      onPaste={(event) => void take(event.clipboardData?.files[0])}
    >
      {missing !== "" && (
        <p role="status" class="missing-picture">
          <strong>
            Choose the picture again: <bdi>{missing}</bdi>
          </strong>{" "}
          was too large for the link, which has restored everything else.
        </p>
      )}
      <label>
        <span class="label">Picture (PNG or JPEG; choose, drop or paste one)</span>
        <input
          type="file"
          accept="image/png,image/jpeg"
          required={content === ""}
          onChange={(event) => void take(event.currentTarget.files?.[0])}
        />
      </label>
      {problem.value && <p role="alert">{problem.value}</p>}
      {content !== "" && <img src={pictureUrl(content)} alt="The picture to ask about" />}
    </div>
  );
}
