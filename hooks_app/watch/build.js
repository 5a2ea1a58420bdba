/** Builds the watch page: npm run build -- FOLDER. The same sources and lock give the same bytes. */

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(process.argv[2]);
const HOLE = /\{\{([\w.]+)\}\}/g;

/** Bundles everything into <folder>/assets under content-hashed names: a file that changes gets a new address. */
async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["src/watch.js", "src/watch.css", "src/icon.svg"],
    outdir: path.join(folder, "assets"),
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    publicPath: "/watch/assets",
    loader: { ".svg": "copy", ".worker.js": "file" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    banner: { js: "/* Third-party notices: /watch/assets/THIRD_PARTY_NOTICES.txt */" },
    metafile: true,
    logLevel: "warning",
  });
  const outputs = Object.entries(result.metafile.outputs).filter(([, output]) => output.entryPoint);
  return new Map(outputs.map(([file, output]) => [path.basename(output.entryPoint), `/watch/assets/${path.basename(file)}`]));
}

/** index.html with the address of each {{file}} in place of its name. */
function page(template, addresses) {
  return template.replace(HOLE, (_, name) => {
    if (!addresses.has(name)) throw new Error(`index.html: nothing was built from ${name}.`);
    return addresses.get(name);
  });
}

await rm(folder, { recursive: true, force: true });
await mkdir(path.join(folder, "assets"), { recursive: true });
const addresses = await bundle();
await writeFile(path.join(folder, "index.html"), page(await readFile(path.join(here, "index.html"), "utf8"), addresses));
const notices = ["NOTICES.txt", "node_modules/hls.js/LICENSE", "LICENSE.Apache-2.0.txt"];
const texts = await Promise.all(notices.map((file) => readFile(path.join(here, file), "utf8")));
await writeFile(path.join(folder, "assets/THIRD_PARTY_NOTICES.txt"), texts.join(""));
// nginx sends these as they are (gzip_static): the player in a third of its size, and no CPU for it.
for (const name of await readdir(path.join(folder, "assets"))) {
  const file = path.join(folder, "assets", name);
  await writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: 9 }));
}
