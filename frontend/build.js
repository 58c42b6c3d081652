// Builds each bundle of src/ into static/nudge_xblock: one IIFE and one style sheet per folder.
// The output is committed, so that an install from git works; it holds no dates or paths.
// `npm run build -- popup` builds one of them.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const chosen = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const names = chosen.length ? chosen : ["popup", "studio", "dashboard", "communicator"];

const options = {
  entryPoints: names.flatMap((name) => {
    const style = here(`src/${name}/index.css`);
    const script = { in: here(`src/${name}/index.js`), out: name };
    return existsSync(style) ? [script, { in: style, out: name }] : [script];
  }),
  outdir: here("../static/nudge_xblock"),
  bundle: true,
  format: "iife",
  minify: true,
  charset: "utf8",
  legalComments: "inline",
  target: ["chrome100", "firefox100", "safari15"],
  plugins: [shadowStyles()],
  logLevel: "info",
};

/** Hands a `*.shadow.css` import over as minified text. */
function shadowStyles() {
  return {
    name: "shadow-styles",
    setup(build) {
      build.onLoad({ filter: /\.shadow\.css$/ }, async ({ path }) => {
        const { outputFiles } = await esbuild.build({
          entryPoints: [path],
          bundle: true,
          minify: true,
          charset: "utf8",
          target: options.target,
          write: false,
        });
        return { contents: outputFiles[0].text, loader: "text", watchFiles: [path] };
      });
    },
  };
}

if (process.argv.includes("--watch")) {
  await (await esbuild.context(options)).watch();
} else {
  await esbuild.build(options);
}
