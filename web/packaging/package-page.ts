import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "vite";

const BUILT = /^explorer-[\w-]+\.(js|css)$/;
const SOURCES = ["packaging", "src", ".npmrc", "index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts"];

/** Removes the last build, writes the hash of each file into index.html, and notes what was built from what. */
export function packagePage(target: string): Plugin {
  const root = resolve(import.meta.dirname, "..");
  const folder = resolve(root, target);
  return {
    name: "package-page",
    apply: "build",
    buildStart() {
      for (const name of readdirSync(folder)) if (BUILT.test(name)) rmSync(join(folder, name));
    },
    closeBundle() {
      const names = readdirSync(folder).filter((name) => BUILT.test(name)).sort();
      const page = withIntegrity(readFileSync(join(folder, "index.html"), "utf8"), folder, names);
      writeFileSync(join(folder, "index.html"), page);
      const files = Object.fromEntries(
        ["index.html", ...names].map((name) => [name, digest(readFileSync(join(folder, name)), "hex")]),
      );
      const note = { sources: sourcesDigest(root), files };
      writeFileSync(join(folder, "build.json"), JSON.stringify(note, null, 2) + "\n");
    },
  };
}

function withIntegrity(page: string, folder: string, names: string[]): string {
  for (const name of names) {
    const hash = `sha256-${digest(readFileSync(join(folder, name)), "base64")}`;
    page = page.replace(`="./${name}"`, `="./${name}" integrity="${hash}"`);
  }
  return page;
}

/** One hash over the paths and contents of all sources; tests/unit/heed/test_page.py computes the same. */
function sourcesDigest(root: string): string {
  const files = SOURCES.flatMap((name) => filesUnder(root, name)).sort();
  const lines = files.map((file) => `${digest(readFileSync(join(root, file)), "hex")}  ${file}\n`);
  return digest(Buffer.from(lines.join("")), "hex");
}

function filesUnder(root: string, path: string): string[] {
  try {
    return readdirSync(join(root, path)).flatMap((name) => filesUnder(root, `${path}/${name}`));
  } catch {
    return [path]; // a file, not a folder
  }
}

function digest(content: Buffer, encoding: "hex" | "base64"): string {
  return createHash("sha256").update(content).digest(encoding);
}
