/** The style sheet of `/docs`: no fonts, no images, nothing from elsewhere. */
export const STYLE = `:root {
  color-scheme: light dark;
  --text: light-dark(#1c2127, #e4e8ec);
  --soft: light-dark(#55606c, #a3adb8);
  --page: light-dark(#ffffff, #14181d);
  --raised: light-dark(#f4f6f8, #1d232a);
  --line: light-dark(#dce1e6, #323a44);
  --link: light-dark(#0b5cad, #7cbcff);
  --get: light-dark(#0b5cad, #7cbcff);
  --post: light-dark(#15692b, #7ad38f);
  --put: light-dark(#8a5200, #f0b35e);
  --delete: light-dark(#ae1f2d, #ff8d96);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
code { font: 0.9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: 0.15em; }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0; }
h1 { font-size: 1.7rem; }
h2 { font-size: 1.35rem; margin-top: 3rem; }
h2::first-letter, nav > ul > li > a::first-letter { text-transform: uppercase; }
h3 { font-size: 1.05rem; display: flex; flex-wrap: wrap; gap: 0.3rem 0.75rem; align-items: baseline; }
h4 { font-size: 0.85rem; margin-top: 1.2rem; color: var(--soft); }
p { margin: 0.5rem 0; max-width: 46rem; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 0.5rem; top: 0.5rem; padding: 0.5rem 1rem; background: var(--page); z-index: 1; }
.layout { display: grid; grid-template-columns: 19rem minmax(0, 1fr); max-width: 82rem; margin: 0 auto; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li > a { display: block; padding: 0.25rem 0.4rem; text-decoration: none; border-radius: 0.25rem; }
nav li > a:hover { background: var(--raised); }
nav > ul > li { margin-bottom: 0.8rem; }
nav > ul > li > a { font-weight: 600; color: var(--text); }
nav li li a { font-size: 0.85rem; color: var(--soft); overflow-wrap: anywhere; }
main { padding: 1.5rem 2rem 4rem; min-width: 0; }
.soft, .type { color: var(--soft); }
.item { margin-top: 1rem; padding: 1.1rem 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }
.item:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.item h3 a { color: inherit; text-decoration: none; }
.item h3 a:hover { text-decoration: underline; }
.method { font: 700 0.8rem/1 ui-monospace, monospace; letter-spacing: 0.03em; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .delete { color: var(--delete); }
.scope { font-size: 0.9rem; color: var(--soft); }
dl { margin: 0.35rem 0 0; }
dl > div { display: grid; grid-template-columns: minmax(9rem, 15rem) minmax(0, 1fr); gap: 0 1.25rem; padding: 0.4rem 0; border-top: 1px solid var(--line); }
dd { margin: 0; min-width: 0; }
dd p { margin: 0.15rem 0 0; }
dd dl { margin-top: 0.4rem; padding-left: 0.75rem; border-left: 2px solid var(--line); }
details { margin-top: 1.2rem; }
summary { width: fit-content; font-size: 0.85rem; font-weight: 700; color: var(--soft); cursor: pointer; padding: 0.25rem 0; }
.required { font-size: 0.8rem; color: var(--soft); }
.codes { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.1rem 0.9rem; }
@media (max-width: 60rem) {
  .layout { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem; }
  nav > ul { display: flex; flex-wrap: wrap; gap: 0.2rem 0.6rem; }
  nav > ul > li { margin: 0; }
  nav li a { min-height: 2.5rem; line-height: 2rem; }
  nav ul ul { display: none; }
  main { padding: 1rem 1rem 3rem; }
  .item { padding: 0.9rem 0.9rem 1rem; }
}
@media (max-width: 36rem) {
  dl > div { display: block; }
}
@media print {
  nav, .skip { display: none; }
  .layout { display: block; }
  .item { break-inside: avoid; }
}
`;
