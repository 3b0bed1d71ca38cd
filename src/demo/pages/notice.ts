import { html, type Html } from '../web/html.js';
import { layout, type Frame } from './layout.js';

export interface Notice extends Frame {
  text: string | Html;
  action?: { path: string; label: string };
  /** A mark above the title. */
  mood?: 'good' | 'mail';
}

/** The way on after a mail. */
export const openInbox = { path: '/dev/inbox', label: 'Open the dev inbox' };

/** One thing said, one way on. */
export function noticePage(notice: Notice): Html {
  const { text, action, mood } = notice;
  return layout(
    { title: notice.title, name: notice.name ?? null },
    html`<section class="card notice">
      ${mood && html`<p class="badge-mark ${mood}" aria-hidden="true">${SIGNS[mood]}</p>`}
      <h1>${notice.title}</h1>
      <p>${text}</p>
      ${action && html`<p><a class="button" href="${action.path}">${action.label}</a></p>`}
    </section>`,
  );
}

const SIGNS = {
  good: html`<svg viewBox="0 0 24 24" focusable="false">
    <path d="m5 12.5 4.5 4.5L19 7.5" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" />
  </svg>`,
  mail: html`<svg viewBox="0 0 24 24" focusable="false">
    <rect x="3.5" y="6" width="17" height="12.5" rx="2" fill="none" stroke="currentColor" stroke-width="2" />
    <path d="m4.5 7.5 7.5 6 7.5-6" fill="none" stroke="currentColor" stroke-width="2" />
  </svg>`,
};
