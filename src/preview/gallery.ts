import type { App } from '../apps/app.js';
import type { Letters } from '../mail/letters.js';

/** A letter as it would be sent, with its picture in place, to look at in a browser. */
export interface Sample {
  /** where it stands: `<app>/<purpose>/<locale>` */
  readonly path: string;
  readonly app: string;
  readonly purpose: string;
  readonly locale: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** Every purpose in every locale for every app. */
export function samplesOf(letters: Letters, purposes: Iterable<string>, apps: readonly App[]): Sample[] {
  return [...purposes].flatMap((purpose) =>
    apps.flatMap((app) =>
      letters.locales(purpose).map((locale) => {
        const { subject, html, text, logo } = letters.write(letters.sample(purpose, locale, app, true));
        const picture = logo && `data:${logo.type};base64,${logo.content.toString('base64')}`;
        return {
          path: `${app.id}/${purpose}/${locale}`,
          app: app.id,
          purpose,
          locale,
          subject,
          html: picture ? html.replace(/"cid:[^"]*"/g, `"${picture}"`) : html,
          text,
        };
      }),
    ),
  );
}

/** The page that shows them: each as HTML, as text, and as wide as a phone. Its links are relative. */
export function galleryPage(samples: readonly Sample[], faults: readonly string[], style: string, head = ''): string {
  const purposes = [...new Set(samples.map(({ purpose }) => purpose))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Templates</title>
${style}
${head}
</head>
<body>
<main>
<h1>Templates</h1>
<p>Every purpose in every language for every app, written with made-up facts.</p>
${faults.length > 0 ? `<section class="faults" role="alert"><h2>Faults</h2><ul>${faults.map((fault) => `<li>${escaped(fault)}</li>`).join('')}</ul></section>` : ''}
${purposes.map((purpose) => section(samples.filter((sample) => sample.purpose === purpose))).join('\n')}
</main>
</body>
</html>
`;
}

export const GALLERY_STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8886; text-align: start; vertical-align: top; }
td a { display: inline-block; margin-inline-end: 1rem; line-height: 2; }
.faults { padding: 1rem; border: 2px solid #b00020; border-radius: 8px; overflow-wrap: anywhere; }
.phone { display: block; width: 375px; max-width: 100%; height: 90vh; margin: 0 auto; border: 1px solid #888; border-radius: 16px; }
`;

/** A mail in a frame as wide as a phone. */
export function phonePage({ subject, locale, path }: Sample, style: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(subject)}</title>${style}</head>
<body><main><h1 lang="${locale}" dir="auto">${escaped(subject)}</h1>
<iframe class="phone" title="The mail, as wide as a phone" src="${path.split('/').at(-1)}.html"></iframe></main></body></html>
`;
}

function section(samples: readonly Sample[]): string {
  const rows = samples.map(
    ({ app, locale, subject, path }) => `<tr><td>${escaped(app)}</td><td>${locale}</td>
<td lang="${locale}" dir="auto">${escaped(subject)}</td>
<td><a href="${path}.html">HTML</a><a href="${path}.phone.html">Phone</a><a href="${path}.txt">Text</a></td></tr>`,
  );
  return `<h2>${samples[0]!.purpose}</h2>
<div class="wide" tabindex="0" role="region" aria-label="Mails of ${samples[0]!.purpose}"><table>
<thead><tr><th>App</th><th>Language</th><th>Subject</th><th>Look at it as</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
