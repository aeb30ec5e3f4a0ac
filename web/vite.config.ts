import { defineConfig } from "vite";
import { packagePage } from "./packaging/package-page.ts";

// The page becomes part of the Python package, beside heed/page/__init__.py.
const target = "../heed/page";

export default defineConfig({
  base: "./",
  plugins: [packagePage(target)],
  build: {
    outDir: target,
    emptyOutDir: false,
    assetsDir: "",
    modulePreload: false,
    target: "es2022",
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: "explorer-[hash].js",
        assetFileNames: "explorer-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
});
