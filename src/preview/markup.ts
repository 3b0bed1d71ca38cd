import type { TemplateFault } from '../mail/template-fault.js';
import type { MailSample } from './mail-samples.js';
import type { PageSample } from './page-samples.js';

export const GALLERY_STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.6 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: 0 1.5rem; max-width: 76rem; margin: 0 auto; padding: 1rem 1rem 0; line-height: 2; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8886; text-align: start; vertical-align: top; }
td a { display: inline-block; margin-inline-end: 1rem; line-height: 2; }
td:nth-last-child(-n+2), th { white-space: nowrap; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid #8886; }
  td { display: block; padding: 0; border: 0; overflow-wrap: anywhere; }
}
.faults { padding: 1rem; border: 2px solid #b00020; border-radius: 8px; overflow-wrap: anywhere; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(375px, 100%), 1fr)); gap: 2rem 1rem; }
figure { margin: 0; }
iframe { display: block; width: 375px; max-width: 100%; height: 90vh; border: 1px solid #888; border-radius: 16px; }
main > iframe { margin: 0 auto 1rem; }
.whole { width: 100%; }
.sheet iframe { height: 46rem; margin-top: .5rem; }
`;

/** What the gallery's own pages have around them. */
export interface Frame {
  /** in their head */
  readonly head: string;
  /** ways out of the gallery */
  readonly ways: readonly { readonly href: string; readonly label: string }[];
}

interface Place {
  readonly locale: string;
  readonly path: string;
}

/** The page that leads to all others. */
export function indexPage(
  mails: readonly MailSample[],
  hasPages: (mail: MailSample) => boolean,
  general: readonly Place[],
  faults: readonly TemplateFault[],
  around: Frame,
): string {
  const purposes = [...new Set(mails.map(({ purpose }) => purpose))];
  const told = faults.map(({ message }) => `<li>${escaped(message)}</li>`).join('');
  return shell(
    'Templates',
    `<p>Every purpose in every language for every app, written with made-up facts.</p>
${told && `<section class="faults" role="alert"><h2>Faults</h2><ul>${told}</ul></section>`}
${purposes
  .map((purpose) =>
    section(
      purpose,
      mails.filter((mail) => mail.purpose === purpose),
      hasPages,
    ),
  )
  .join('\n')}
${
  general.length > 0
    ? `<h2>Pages without a link</h2>
<p>${general.map(({ path, locale }) => `<a href="${path}.pages.html">${locale}</a>`).join(' · ')}</p>`
    : ''
}`,
    around,
  );
}

/** A mail in a frame as wide as a phone. */
export function phonePage({ subject, locale, path }: MailSample, around: Frame): string {
  const mail = `<iframe sandbox title="The mail, as wide as a phone" src="${lastOf(path)}.html"></iframe>`;
  return shell(subject, mail, around, locale, indexFrom(path));
}

/** A mail in a frame as wide as the screen, and its text part. */
export function widePage({ subject, locale, path }: MailSample, around: Frame): string {
  const frames = [
    `<iframe sandbox class="whole" title="The mail" src="${lastOf(path)}.html"></iframe>`,
    `<iframe sandbox class="whole" title="Its text part" src="${lastOf(path)}.txt"></iframe>`,
  ];
  return shell(subject, frames.join('\n'), around, locale, indexFrom(path));
}

/** Pages side by side, each as wide as a phone. */
export function sheetPage(title: string, path: string, pages: readonly PageSample[], around: Frame): string {
  const folder = lastOf(path);
  const figures = pages.map(
    ({ name, title: state }) => `<figure>
<figcaption><a href="${folder}/${name}.html">${escaped(state)}</a></figcaption>
<iframe sandbox title="${escaped(state)}" src="${folder}/${name}.html"></iframe>
</figure>`,
  );
  return shell(`Pages: ${title}`, `<div class="sheet">${figures.join('\n')}</div>`, around, 'en', indexFrom(path));
}

function section(purpose: string, mails: readonly MailSample[], hasPages: (mail: MailSample) => boolean): string {
  const rows = mails.map(
    (mail) => `<tr><td>${escaped(mail.app)}</td><td>${mail.locale}</td>
<td lang="${mail.locale}" dir="auto">${escaped(mail.subject)}</td>
<td><a href="${mail.path}.wide.html">HTML</a><a href="${mail.path}.phone.html">Phone</a><a href="${mail.path}.txt">Text</a></td>
<td>${hasPages(mail) ? `<a href="${mail.path}.pages.html">Pages</a>` : ''}</td></tr>`,
  );
  return `<h2>${purpose}</h2>
<div class="wide" tabindex="0" role="region" aria-label="${purpose}"><table>
<thead><tr><th>App</th><th>Language</th><th>Subject</th><th>The mail</th><th>Its link</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function shell(title: string, content: string, { head, ways }: Frame, locale = 'en', index?: string): string {
  const links = [...(index ? [{ href: index, label: 'All templates' }] : []), ...ways];
  const nav = links.map(({ href, label }) => `<a href="${href}">${label}</a>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
${head}
</head>
<body>
${nav && `<nav aria-label="Ways back">\n${nav}\n</nav>\n`}<main>
<h1 lang="${locale}" dir="auto">${escaped(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

const indexFrom = (path: string): string => `${'../'.repeat(path.split('/').length - 1)}index.html`;
const lastOf = (path: string): string => path.split('/').at(-1)!;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
