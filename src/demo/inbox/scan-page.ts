import { html, type Html } from '../web/html.js';
import { layout } from './pages.js';
import type { ParsedMail } from './parsed-mail.js';
import type { Step } from './scanner.js';

interface Scanned {
  readonly mail: ParsedMail;
  readonly scans: readonly { readonly url: string; readonly steps: readonly Step[] }[];
  /** undefined: the mail has no link of ours */
  readonly isActive: boolean | undefined;
}

export const scanPage = ({ mail, scans, isActive }: Scanned): Html =>
  layout(
    'A mail scanner came by',
    html`<p><a href="/dev/inbox/${mail.id}">${mail.subject}</a></p>
      <h1>A mail scanner came by</h1>
      <p><strong>${verdict(isActive)}</strong></p>
      ${scans.map(
        ({ url, steps }) =>
          html`<section>
            <h2>${new URL(url).pathname.startsWith('/r/') ? "The mail's \u201cthis wasn't me\u201d" : 'The link'}</h2>
            <ol class="steps">
              ${steps.map(({ what, answer }) => html`<li>${what}: ${answer}</li>`)}
            </ol>
          </section>`,
      )}`,
  );

function verdict(isActive: boolean | undefined): string {
  if (isActive === undefined) return 'This mail has no link that could be used up.';
  return isActive
    ? 'The link is still good: whoever the mail is for can use it.'
    : 'The link is not good any more: it was used up or had ended before. A purpose with redeemOn: page is used up by its button.';
}
