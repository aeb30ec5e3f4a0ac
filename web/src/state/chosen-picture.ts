/** A picture to ask about. */
export interface ChosenPicture {
  /** The file in base64; empty if none is chosen. */
  content: string;
  /** The file's name, if it has one. */
  name: string;
}

export const NO_PICTURE: ChosenPicture = { content: "", name: "" };

/** The largest picture that travels in a link, in bytes of its file: browsers and mail cut long links. */
export const MOST_BYTES_IN_LINK = 8 * 1024;

type Parameters = Record<string, string>;

/** What a link holds of a picture: itself if it is small, else its name alone. */
export function pictureParameters({ content, name }: ChosenPicture): Parameters {
  if (content === "") return {};
  if (!fitsIntoLink(content)) return { pictureName: name || "a picture" };
  return { picture: content.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""), ...(name && { pictureName: name }) };
}

export function fitsIntoLink(content: string): boolean {
  return (content.length * 3) / 4 <= MOST_BYTES_IN_LINK;
}

/** The picture of a link; none if only its name was in it. */
export function readPicture(parameters: Parameters): ChosenPicture {
  const text = (parameters["picture"] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const isWhole = text !== "" && /^[A-Za-z0-9+/]+$/.test(text) && text.length % 4 !== 1;
  if (!isWhole) return NO_PICTURE;
  return { content: text.padEnd(Math.ceil(text.length / 4) * 4, "="), name: parameters["pictureName"] ?? "" };
}

/** A file as it is asked about. */
export async function pictureOf(file: File): Promise<ChosenPicture> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let begin = 0; begin < bytes.length; begin += 8192) text += String.fromCharCode(...bytes.subarray(begin, begin + 8192));
  return { content: btoa(text), name: file.name };
}
