import type { FastifyReply, FastifyRequest } from 'fastify';
import { OncelinkProblem } from './oncelink.js';
import { noticePage, openInbox } from './pages/notice.js';
import { html } from './web/html.js';
import { sendPage } from './web/pages.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The way on when this route is refused: where to ask for a new link. */
    askAgain?: { path: string; label: string };
  }
}

interface Refusal {
  status: number;
  title: string;
  text: string;
  /** What helps: asking for a new link, looking for the mail that was sent, or trying the same again. */
  wayOn: 'ask again' | 'inbox' | 'try again';
}

/** Each `code` that Oncelink may answer, said to a person: what happened, and that nothing is lost. */
const REFUSALS: Record<string, Refusal> = {
  link_expired: {
    status: 410,
    title: 'This link has run out',
    text: 'Links from our mails work for a short time only, to keep your notebook safe. A new one is quick.',
    wayOn: 'ask again',
  },
  link_redeemed: {
    status: 410,
    title: 'This link has been used',
    text: 'Each link works once. If that was you, all is done. If not, ask for a new one.',
    wayOn: 'ask again',
  },
  link_superseded: {
    status: 410,
    title: 'There is a newer mail',
    text: 'You asked more than once, and only the newest link works. It is in the latest mail from us.',
    wayOn: 'ask again',
  },
  link_revoked: {
    status: 410,
    title: 'This link was withdrawn',
    text: 'It no longer works. You can ask for a new one at any time.',
    wayOn: 'ask again',
  },
  fingerprint_mismatch: {
    status: 409,
    title: 'Your password has changed since',
    text: 'This link was for the password before. If you changed it yourself, log in with the new one.',
    wayOn: 'ask again',
  },
  binding_mismatch: {
    status: 409,
    title: 'Please go back to your first browser',
    text: 'This link works only in the browser in which you asked for it. Nothing is used up: open the mail there, or ask for a new link in this browser.',
    wayOn: 'ask again',
  },
  token_invalid: {
    status: 400,
    title: 'This link does not work',
    text: 'It may have been cut off, or too much time has passed since you opened it. A new one is quick.',
    wayOn: 'ask again',
  },
  request_invalid: {
    status: 422,
    title: 'We could not use that',
    text: 'Something in the form does not fit. Please check it, the address above all.',
    wayOn: 'try again',
  },
  rate_limited: {
    status: 429,
    title: 'That was quick',
    text: 'A mail may already be on its way. Please look into your inbox, and into the spam folder too.',
    wayOn: 'inbox',
  },
  unavailable: {
    status: 503,
    title: 'We need a moment',
    text: 'Something on our side does not answer. Nothing is lost or used up: please try again shortly.',
    wayOn: 'try again',
  },
};

/** The error handler of the demo: a refusal becomes a page with the right status and a way on. */
export function showRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const refusal = error instanceof OncelinkProblem ? REFUSALS[error.code] : undefined;
  if (!refusal) return showFault(error, request, reply);
  const { retryAfter } = error as OncelinkProblem;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  const askAgain = request.routeOptions.config.askAgain ?? tryAgain(request);
  const wait =
    retryAfter !== undefined && html` You can <a href="${askAgain.path}">ask again</a> ${inWords(retryAfter)}.`;
  const ways = { 'ask again': askAgain, inbox: openInbox, 'try again': tryAgain(request) };
  const page = noticePage({
    title: refusal.title,
    text: html`${refusal.text}${refusal.wayOn === 'inbox' && wait}`,
    action: ways[refusal.wayOn],
  });
  return sendPage(reply, page, refusal.status);
}

function showFault(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const { statusCode = 500 } = error as { statusCode?: number };
  const ours = statusCode >= 500;
  if (ours) request.log.error({ err: error }, 'demo failed');
  const title = ours ? 'Something went wrong' : 'We could not read that';
  const text = ours ? 'It is our fault, not yours. Please try again.' : 'Please go back and try once more.';
  return sendPage(reply, noticePage({ title, text, action: tryAgain(request) }), statusCode);
}

const tryAgain = (request: FastifyRequest) => ({ path: request.url.split('?', 1)[0]!, label: 'Try again' });

function inWords(seconds: number): string {
  if (seconds < 90) return `in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}
