/**
 * Puts the page together: dist/console/page/ gets index.html and what it loads, each also compressed, and THIRD-PARTY.txt.
 * Script and style have a hash in their names, so that browsers may keep them for ever; nothing is fetched from elsewhere.
 */
import { build } from 'esbuild';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const here = import.meta.dirname;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = join(root, 'dist/console/page');

rmSync(page, { recursive: true, force: true });
mkdirSync(page, { recursive: true });

const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: [join(here, 'app.tsx'), join(here, 'app.css')],
  entryNames: '[name]-[hash]',
  outdir: page,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
  legalComments: 'none', // they are in THIRD-PARTY.txt
  metafile: true,
  write: false,
  logLevel: 'warning',
});
let html = readFileSync(join(here, 'index.html'), 'utf8');
for (const { path, contents } of outputFiles) {
  const name = basename(path);
  html = html.replace(`console/${name.replace(/-\w+\./, '.')}`, `console/${name}`);
  keep(name, contents);
}
keep('index.html', Buffer.from(html));
keep('icon.svg', readFileSync(join(here, 'icon.svg')));
keep('THIRD-PARTY.txt', Buffer.from(notices(Object.keys(metafile.inputs))));

function keep(name, contents) {
  writeFileSync(join(page, name), contents);
  writeFileSync(join(page, `${name}.br`), brotliCompressSync(contents));
  writeFileSync(join(page, `${name}.gz`), gzipSync(contents, { level: 9 }));
}

/** The licence of every package that something in the page is of. @param inputs paths from the root */
function notices(inputs) {
  const folders = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e(\.|$)/i.test(one));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  return `The console page contains these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
