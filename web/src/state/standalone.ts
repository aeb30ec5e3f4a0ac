import type { SavedDocument } from "../answer/answer";

/** The page with an answer in it, in one file; heed.page.standalone_page makes the same in Python. */
export async function standaloneBlob(document: SavedDocument): Promise<Blob> {
  const page = await pageParts();
  const data = JSON.stringify(document).replace(/</g, "\\u003c");
  const policy =
    `default-src 'none'; script-src '${page.scriptHash}'; style-src '${page.styleHash}'; img-src data: blob:; ` +
    "base-uri 'none'; form-action 'none'";
  const html = [
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    `<meta name="viewport" content="width=device-width, initial-scale=1" />`,
    `<meta name="color-scheme" content="light dark" />`,
    `<title>Heed: the attention explorer</title>`,
    page.icon,
    `<style>${page.style}</style>`,
    `<script type="module">${page.script}</script>\n</head>\n<body>\n<div id="explorer"></div>`,
    `<script type="application/json" id="heed-document">${data}</script>\n</body>\n</html>\n`,
  ];
  return new Blob([html.join("\n")], { type: "text/html;charset=utf-8" });
}

interface PageParts {
  script: string;
  style: string;
  scriptHash: string;
  styleHash: string;
  icon: string;
}

/** This page's own script and style: of a gateway's page its files, of a saved page what is in it. */
async function pageParts(): Promise<PageParts> {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"]')!;
  const link = document.querySelector<HTMLLinkElement>('link[rel="stylesheet"]');
  const icon = document.querySelector('link[rel="icon"]')?.outerHTML ?? "";
  if (link === null) {
    const policy = document.querySelector<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy"]')?.content ?? "";
    const [scriptHash = "", styleHash = ""] = policy.match(/sha256-[A-Za-z0-9+/=]+/g) ?? [];
    return { script: script.text, style: document.querySelector("style")!.textContent ?? "", scriptHash, styleHash, icon };
  }
  const [scriptText, styleText] = await Promise.all([script.src, link.href].map(textAt));
  return { script: scriptText!, style: styleText!, scriptHash: script.integrity, styleHash: link.integrity, icon };
}

async function textAt(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error("The page's own files cannot be read: the gateway may run in another version. Reload the page.");
  return response.text();
}
