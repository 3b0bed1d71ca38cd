/** One stylesheet for Fernweh and the dev inbox. Colours meet WCAG 2.2 AA in both schemes. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #faf6ee; --card: #fffdf9; --ink: #1f2d2c; --soft: #55625f; --line: #ddd5c5; --edge: #8a8474;
  --accent: #0b5d5b; --on-accent: #ffffff; --accent-soft: #e0eeea; --warm: #a5401a; --warm-soft: #fbe9dd;
  --sky: #f6d9b8; --sun: #e8793f; --far: #7fa8a4; --mid: #3f7d79; --near: #1d5553; --pin: #a5401a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121a1a; --card: #1a2424; --ink: #ece8de; --soft: #aab5b1; --line: #2f3d3c; --edge: #74827f;
    --accent: #7fd1c4; --on-accent: #0c2321; --accent-soft: #1c3735; --warm: #f2a37c; --warm-soft: #3a271d;
    --sky: #22343f; --sun: #e0a458; --far: #35565a; --mid: #24444a; --near: #183338; --pin: #f2a37c;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--paper); color: var(--ink);
  overflow-wrap: anywhere; font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1, h2, h3, .brand { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }
h1 { font-size: clamp(1.7rem, 5vw, 2.2rem); line-height: 1.2; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .6rem; }
h3 { font-size: 1.1rem; margin: 0; }
p { margin: 0 0 1rem; }
a { color: var(--accent); text-underline-offset: .18em; }
:focus-visible { outline: 3px solid var(--warm); outline-offset: 3px; border-radius: 4px; }
.strip { margin: 0; padding: .3rem 1rem; font-size: .875rem; text-align: center; color: var(--soft); border-bottom: 1px solid var(--line); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; width: 100%; max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem; }
.brand { display: inline-flex; align-items: center; gap: .5rem; min-height: 2.75rem; font-size: 1.35rem; font-weight: 700; color: var(--ink); text-decoration: none; }
.mark { width: 1.6rem; height: 1.6rem; color: var(--warm); }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; min-width: 0; margin-left: auto; }
nav form { display: contents; }
nav a, .plain { display: inline-flex; align-items: center; min-height: 2.75rem; }
.plain { padding: 0; border: 0; background: none; color: var(--accent); font: inherit; text-decoration: underline; text-underline-offset: .18em; cursor: pointer; }
main { flex: 1; width: 100%; max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
.foot { padding: 1rem 1.25rem; font-size: .875rem; text-align: center; color: var(--soft); border-top: 1px solid var(--line); }
.foot p { margin: 0; }
.card { padding: clamp(1.25rem, 5vw, 2rem); background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
main > .card { max-width: 28rem; margin: clamp(0rem, 4vw, 2.5rem) auto 0; }
.notice { text-align: center; }
.card > :last-child, .stack > :last-child { margin-bottom: 0; }
.lead { color: var(--soft); font-size: 1.125rem; }
.aside { margin: 1rem 0 0; font-size: .9375rem; }
.button {
  display: inline-flex; align-items: center; justify-content: center; text-align: center; min-height: 3rem; padding: .5rem 1.4rem; border: 2px solid var(--accent);
  border-radius: 10px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
}
.button:hover { filter: brightness(1.08); }
.button.quiet { background: transparent; color: var(--accent); }
.card form .button, .card p > .button.quiet { width: 100%; }
.field { margin-bottom: 1.1rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
.hint, .error { margin: 0 0 .35rem; font-size: .9375rem; color: var(--soft); }
.error { margin: .4rem 0 0; color: var(--warm); font-weight: 600; }
input {
  display: block; width: 100%; min-height: 3rem; padding: .5rem .8rem; border: 1px solid var(--edge); border-radius: 10px;
  background: var(--paper); color: var(--ink); font: inherit;
}
input:focus-visible { outline-offset: 1px; border-radius: 10px; }
input[aria-invalid] { border: 2px solid var(--warm); }
input[readonly] { border-style: dashed; color: var(--soft); }
.or { display: flex; align-items: center; gap: .8rem; margin: 1.4rem 0 1rem; color: var(--soft); font-size: .9375rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.badge-mark { display: grid; place-items: center; width: 3.5rem; height: 3.5rem; margin: 0 auto 1rem; border-radius: 50%; background: var(--accent-soft); color: var(--accent); }
.badge-mark.mail { background: var(--warm-soft); color: var(--warm); }
.badge-mark svg { width: 1.9rem; height: 1.9rem; }
.hero { display: grid; gap: 2rem; align-items: center; padding: clamp(0rem, 3vw, 2rem) 0 2.5rem; }
.hero h1 { font-size: clamp(2rem, 7vw, 3.1rem); line-height: 1.1; }
.actions { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.5rem 0 0; }
.picture { display: block; width: 100%; height: auto; border-radius: 18px; }
.sky { fill: var(--sky); } .sun { fill: var(--sun); } .far { fill: var(--far); } .mid { fill: var(--mid); } .near { fill: var(--near); }
.route { fill: none; stroke: var(--sky); stroke-width: 3; stroke-linecap: round; stroke-dasharray: .5 8; }
.dot, .eye { fill: var(--sky); } .pin { fill: var(--pin); }
@media (prefers-color-scheme: dark) { .route { stroke: var(--ink); } .dot, .eye { fill: var(--ink); } }
.ways ol { display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none; }
.ways li { padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.ways li p { margin: .2rem 0 0; color: var(--soft); }
.columns { display: grid; gap: 1.25rem; align-items: start; }
dl { margin: 0; }
dt { color: var(--soft); font-size: .9375rem; }
dd { margin: 0 0 .8rem; }
dl > :last-child { margin-bottom: 0; }
.tag { display: inline-block; padding: .05rem .6rem; border-radius: 99px; font-size: .875rem; font-weight: 600; background: var(--accent-soft); color: var(--accent); }
.tag.wait { background: var(--warm-soft); color: var(--warm); }
.callout { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 1rem 2rem; margin-bottom: 1.25rem; padding: 1.1rem 1.4rem; background: var(--warm-soft); border-radius: 14px; }
.callout > div { flex: 1 1 18rem; }
.callout p { margin: 0; }
.callout .quiet { border-color: var(--warm); color: var(--warm); }
.places { margin: 0; padding: 0; list-style: none; }
.places li { padding: .5rem 0; border-top: 1px dashed var(--line); color: var(--soft); }
.places li:first-child { border-top: 0; padding-top: 0; }
.places li:last-child { padding-bottom: 0; }
.places strong { display: block; color: var(--ink); }
@media (min-width: 46rem) {
  .hero { grid-template-columns: 1.1fr 1fr; }
  .ways ol { grid-template-columns: repeat(3, 1fr); }
  .columns { grid-template-columns: repeat(2, 1fr); }
}
`;
