// Builds the widget and the admin page into the gateway's static folder: node build.mjs [--out FOLDER]
// The same sources give the same bytes, so the built files are committed and a test compares them.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, transform } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: here("../gateway/static") } } });

// Firefox 115 and Safari 16.4 are the oldest with constructed stylesheets or in long support; Chrome 111 is of their age.
const COMMON = {
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
};

// A widget has no style elements (strict CSP): its style sheets are imported as text and become constructed sheets.
const cssAsText = {
  name: "css-as-text",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), {
        ...pick(COMMON, "minify", "target"),
        loader: "css",
      });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

// `import tables from "texts:card"` holds the keys card.* of every language, "texts:card+error" two groups,
// "texts:!card" all groups but one: a bundle carries only the words it says.
const texts = {
  name: "texts",
  setup(builder) {
    builder.onResolve({ filter: /^texts:/ }, ({ path }) => ({ path: path.slice("texts:".length), namespace: "texts" }));
    builder.onLoad({ filter: /.*/, namespace: "texts" }, async ({ path }) => {
      const without = path.startsWith("!");
      const groups = path.replace("!", "").split("+");
      const wanted = ([key]) => groups.includes(key.split(".")[0]) !== without;
      const tables = {};
      for (const lang of ["en", "ru"]) {
        const table = JSON.parse(await readFile(here(`src/texts/${lang}.json`), "utf8"));
        tables[lang] = Object.fromEntries(Object.entries(table).filter(wanted));
      }
      return { contents: JSON.stringify(tables), loader: "json" };
    });
  },
};

function pick(object, ...keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}

async function buildWidget(out) {
  const plugins = [cssAsText, texts];
  const flow = join(out, "flow.js");
  await build({ ...COMMON, plugins, entryPoints: [here("src/flow.ts")], format: "esm", outfile: flow });
  // The hash in flow.js?v=… lets browsers keep the file for a year, and fetch it anew after every change.
  const hash = createHash("sha256")
    .update(await readFile(flow))
    .digest("hex")
    .slice(0, 16);
  const define = { FLOW_HASH: JSON.stringify(hash) };
  await build({ ...COMMON, plugins, define, entryPoints: [here("src/tryon.ts")], format: "iife", outdir: out });
}

async function buildAdmin(out) {
  const entryPoints = [here("src/admin/admin.ts"), here("src/admin/admin.css")];
  await build({ ...COMMON, plugins: [texts], entryPoints, format: "esm", outdir: out });
  await mkdir(out, { recursive: true });
  await copyFile(here("src/admin/index.html"), join(out, "index.html"));
}

await buildWidget(join(values.out, "widget", "v1"));
await buildAdmin(join(values.out, "admin"));
