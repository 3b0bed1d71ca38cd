import type { FastifyRequest } from 'fastify';
import type { User } from '../users.js';
import { address, html, type Html } from '../web/html.js';
import { noticePage, openInbox } from './notice.js';

type Mailed = NonNullable<FastifyRequest['session']['mailed']>;

// The words must be true for every address, known or not.
const WORDS: Record<Mailed, { text: string; again: string }> = {
  verification: { text: 'the link you need now is on its way.', again: '/demo/sign-up' },
  'sign-in': { text: 'and there is a notebook for it, a link to log in is on its way.', again: '/demo/magic-link' },
  reset: {
    text: 'and there is a notebook for it, a link to choose a new password is on its way.',
    again: '/demo/forgot',
  },
};

export function checkInboxPage({ email, mailed, user }: { email: string; mailed: Mailed; user?: User }): Html {
  const { text, again } = WORDS[mailed];
  return noticePage({
    title: 'Check your inbox',
    text: html`If <strong>${address(email)}</strong> is right, ${text} It may take a minute. Not in the spam folder
      either? <a href="${user && mailed === 'verification' ? '/demo/account' : again}">Try again</a>.`,
    action: openInbox,
    name: user?.name,
    mood: 'mail',
  });
}
