import { html, type Html } from '../web/html.js';

export interface Frame {
  title: string;
  /** The name of the person signed in; `null` on pages that do not know, `undefined` when nobody is. */
  name?: string | null;
}

/** What every page of Fernweh has around its content. */
export function layout(frame: Frame, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${frame.title} · Fernweh</title>
        <link rel="stylesheet" href="/demo/style.css" />
      </head>
      <body>
        <header>
          <p class="strip">Demo of Oncelink <span aria-hidden="true">·</span> <a href="/dev/inbox">Dev inbox</a></p>
          <div class="bar">
            <a class="brand" href="/demo">${compass} Fernweh</a>
            ${frame.name !== null && html`<nav aria-label="Account">${frame.name === undefined ? visitor : member(frame.name)}</nav>`}
          </div>
        </header>
        <main>${content}</main>
        <footer class="foot">
          <p>Fernweh is made up. The mails, links and passwords work like the real thing.</p>
        </footer>
      </body>
    </html>`;
}

const visitor = html`<a href="/demo/log-in">Log in</a> <a href="/demo/sign-up">Sign up</a>`;

const member = (name: string): Html => html`
  <a href="/demo/account">${name}</a>
  <form method="post" action="/demo/log-out"><button class="plain">Log out</button></form>
`;

const compass = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
  <circle cx="16" cy="16" r="13.5" fill="none" stroke="currentColor" stroke-width="2.4" />
  <path d="M21.8 10.2 18.3 18.3 10.2 21.8 13.7 13.7z" fill="currentColor" />
</svg>`;
