import { durationText } from '../../mail/locales.js';
import { address, html, type Html } from '../web/html.js';
import { urlsIn, type ParsedMail } from './parsed-mail.js';

/** The frame of the pages that are there for developers. */
export function layout(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title} · Dev inbox</title>
        <link rel="stylesheet" href="/dev/inbox/style.css" />
      </head>
      <body>
        <header>
          <p class="strip">Mail stays here in development: nothing leaves this machine</p>
          <div class="bar">
            <a class="brand" href="/dev/inbox">Dev inbox</a>
            <nav aria-label="Tools">
              <a href="/demo">Demo app</a> <a href="/dev/templates/">Templates</a> <a href="/docs">API</a>
            </nav>
          </div>
        </header>
        <main>${content}</main>
      </body>
    </html>`;
}

interface List {
  mails: readonly ParsedMail[];
  to?: string;
  now: Date;
  /** seconds that the service's clock is ahead; undefined: it cannot be moved */
  ahead?: number;
}

export function listPage({ mails, to, now, ahead }: List): Html {
  const again = to === undefined ? '/dev/inbox' : `/dev/inbox?to=${encodeURIComponent(to)}`;
  return layout(
    'Mails',
    html`<div class="head">
        <h1>${to === undefined ? 'All mails' : html`Mails to ${to}`}</h1>
        <div class="tools">
          ${to !== undefined && html`<a class="button quiet" href="/dev/inbox">Show all</a>`}
          <a class="button quiet" href="${again}">Refresh</a>
          ${mails.length > 0 && html`<form method="post" action="/dev/inbox/clear"><button class="button quiet">Clear</button></form>`}
        </div>
      </div>
      ${ahead !== undefined && clockControls(ahead)}
      ${
        mails.length === 0
          ? empty
          : html`<ol class="mails">
              ${mails.map((mail) => row(mail, now))}
            </ol>`
      }`,
  );
}

const STEPS = [
  ['+1 min', 60],
  ['+10 min', 600],
  ['+1 h', 3_600],
  ['+1 d', 86_400],
] as const;

const clockControls = (ahead: number): Html =>
  html`<section class="clock" aria-labelledby="clock">
    <h2 id="clock">The clock</h2>
    <p>
      ${ahead === 0 ? "The service's clock shows the real time." : `The service's clock is ${durationText(ahead, 'en')} ahead.`}
    </p>
    <form class="tools" method="post" action="/dev/clock">
      ${STEPS.map(([label, seconds]) => html`<button class="button quiet" name="advance" value="${seconds}">${label}</button> `)}
      <button class="button quiet" name="reset" value="true">Back to now</button>
    </form>
  </section>`;

const row = ({ id, subject, to, receivedAt, ...mail }: ParsedMail, now: Date): Html =>
  html`<li>
    <a href="/dev/inbox/${id}">${subject}</a>
    <span class="when">${when(receivedAt, now)}</span>
    <span class="to">to ${address(to)}</span>
    <span class="from">from ${sender(mail)}</span>
  </li>`;

const sender = ({ from, fromName }: Pick<ParsedMail, 'from' | 'fromName'>): Html =>
  fromName === null ? address(from) : html`${fromName} &lt;${address(from)}&gt;`;

const empty = html`<section class="card notice">
  <h2>Nothing here yet</h2>
  <p>
    Mint a link with <code>POST /v1/links</code>, or sign up in the demo app. The mail shows up here within a second:
    press Refresh.
  </p>
  <p><a class="button" href="/demo/sign-up">Sign up in the demo</a></p>
</section>`;

/** One thing said, and the way back. */
export const messagePage = (title: string, text: string): Html =>
  layout(
    title,
    html`<section class="card notice">
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a class="button" href="/dev/inbox">All mails</a></p>
    </section>`,
  );

const VIEWS = ['html', 'text', 'source'] as const;
export type View = (typeof VIEWS)[number];
export const viewOf = (value: unknown): View => VIEWS.find((view) => view === value) ?? 'html';

const LABELS: Record<View, string> = { html: 'HTML', text: 'Text', source: 'Source' };

export function mailPage({ mail, view, now }: { mail: ParsedMail; view: View; now: Date }): Html {
  const path = `/dev/inbox/${mail.id}`;
  return layout(
    mail.subject,
    html`<p><a href="/dev/inbox">All mails</a></p>
      <h1>${mail.subject}</h1>
      <dl class="envelope">
        <div>
          <dt>From</dt>
          <dd>${sender(mail)}</dd>
        </div>
        <div>
          <dt>To</dt>
          <dd><a href="/dev/inbox?to=${encodeURIComponent(mail.to)}">${mail.to}</a></dd>
        </div>
        <div>
          <dt>When</dt>
          <dd>${when(mail.receivedAt, now)}</dd>
        </div>
      </dl>
      <nav class="tabs" aria-label="Parts of the mail">
        ${VIEWS.map((name) => html`<a href="${path}?view=${name}" ${name === view && html`aria-current="page"`}>${LABELS[name]}</a>`)}
      </nav>
      ${VIEW[view](mail, path)}
      ${mail.links.length > 0 && html`<form class="tools" method="post" action="${path}/scan"><button class="button quiet">Open as a mail scanner would</button></form>`}`,
  );
}

// The mail is shown as a stranger's page: no scripts, no forms, no origin of ours. A click may leave the frame.
const SANDBOX = 'allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation';
export const FRAME_CSP = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox ${SANDBOX}`;

const VIEW: Record<View, (mail: ParsedMail, path: string) => Html> = {
  html: (mail, path) =>
    mail.html === ''
      ? html`<p>This mail has no HTML part.</p>`
      : html`<iframe class="sheet" title="The mail as HTML" src="${path}/html" sandbox="${SANDBOX}"></iframe>`,
  text: (mail) => html`<div class="sheet letter">${clickable(mail.text)}</div>`,
  source: (mail) =>
    html`<pre class="sheet letter" tabindex="0" role="region" aria-label="Source of the mail">${mail.source}</pre>`,
};

function clickable(text: string): Html[] {
  let rest = text;
  const parts = urlsIn(text).map((url) => {
    const start = rest.indexOf(url);
    const before = rest.slice(0, start);
    rest = rest.slice(start + url.length);
    return html`${before}<a href="${url}">${url}</a>`;
  });
  return [...parts, html`${rest}`];
}

/** The HTML part as the frame shows it: its links open in the whole window, as in a mail program. */
export function framedMail(markup: string): string {
  const base = '<base target="_top">';
  return /<head[^>]*>/i.test(markup) ? markup.replace(/<head[^>]*>/i, (head) => head + base) : base + markup;
}

function when(date: Date, now: Date): Html {
  const seconds = Math.max(0, Math.round((now.getTime() - date.getTime()) / 1000));
  const ago =
    seconds < 60
      ? `${seconds} s ago`
      : seconds < 3600
        ? `${Math.floor(seconds / 60)} min ago`
        : date.toLocaleString('en-GB');
  return html`<time datetime="${date.toISOString()}" title="${date.toISOString()}">${ago}</time>`;
}
