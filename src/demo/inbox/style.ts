import { style } from '../pages/style.js';

export const inboxStyle = `${style}
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 1rem; margin-bottom: 1.25rem; }
.head h1 { margin: 0; }
.tools { display: flex; flex-wrap: wrap; gap: .6rem; }
section[aria-labelledby], .sheet + .tools { margin-top: 2rem; }
section.clock { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem 1rem; margin: 0 0 1.25rem; }
.clock h2, .clock p { margin: 0; }
.tools .button { min-height: 2.75rem; padding: .3rem 1.1rem; }
main > .card h2 { font-size: 1.5rem; }
.mails { margin: 0; padding: 0; list-style: none; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.mails li { position: relative; display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; padding: .85rem 1.25rem; border-top: 1px solid var(--line); }
.mails li:first-child { border-top: 0; }
.mails li:hover { background: var(--accent-soft); }
.mails li:first-child { border-radius: 14px 14px 0 0; }
.mails li:last-child { border-radius: 0 0 14px 14px; }
.mails li:only-child { border-radius: 14px; }
.mails li:focus-within { outline: 3px solid var(--warm); outline-offset: -3px; }
.mails a:focus { outline: none; }
.mails a { font-weight: 600; text-decoration: none; }
.mails a::after { content: ""; position: absolute; inset: 0; }
.mails a:hover { text-decoration: underline; }
.when { color: var(--soft); font-size: .9375rem; white-space: nowrap; }
.to, .from { grid-column: 1 / -1; color: var(--soft); font-size: .9375rem; }
.envelope { margin: 0 0 1.25rem; }
.envelope > div { display: flex; gap: 1rem; }
.envelope dt { flex: 0 0 3.5rem; }
.envelope dd { margin: 0; }
.tabs { margin: 0 0 -1px; gap: .4rem; }
.tabs a { padding: 0 1.1rem; border: 1px solid transparent; border-radius: 10px 10px 0 0; text-decoration: none; }
.tabs a[aria-current] { background: var(--card); border-color: var(--line); border-bottom-color: var(--card); color: var(--ink); font-weight: 600; }
.sheet { display: block; width: 100%; margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 0 14px 14px 14px; }
iframe.sheet { height: min(46rem, 75vh); min-height: 28rem; }
.letter { padding: 1.25rem; white-space: pre-wrap; }
pre.letter { font: .875rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.steps { padding-inline-start: 1.5rem; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .95em; }
`;
