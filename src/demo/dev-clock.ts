import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { DevClock } from '../clock.js';
import { goTo, sendPage } from './web/pages.js';
import { isSameOrigin } from './web/same-origin.js';
import { messagePage } from './inbox/pages.js';

/** The longest that one request may move it, in seconds. */
const MOST = 400 * 86_400;

/** `GET` tells the time; `POST { advance: seconds }` moves it on, `{ reset: true }` brings it back. Development only. */
export const devClock: FastifyPluginAsync<{ clock: DevClock; onMoved: () => void }> = async (
  app,
  { clock, onMoved },
) => {
  app.addHook('preHandler', async (request, reply) => {
    if (!isSameOrigin(request)) return refuse(request, reply, 403, ...NOT_FROM_HERE);
  });

  const told = () => ({ now: new Date(clock.now()).toISOString(), ahead: clock.shift });
  app.get('/', async (_request, reply) => reply.header('cache-control', 'no-store').send(told()));

  app.post('/', async (request, reply) => {
    const { advance, reset } = (request.body ?? {}) as { advance?: unknown; reset?: unknown };
    const seconds = Number(advance ?? Number.NaN);
    if (reset !== undefined) clock.reset();
    else if (Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MOST) clock.advance(seconds);
    else return refuse(request, reply, 422, ...BAD_STEP);
    // Mails may be due now.
    onMoved();
    return isForm(request) ? goTo(reply, '/dev/inbox') : reply.header('cache-control', 'no-store').send(told());
  });
};

const BAD_STEP = [
  'That is no step',
  `Send { "advance": seconds }, a whole number from 1 to ${MOST}, or { "reset": true }.`,
] as const;
const NOT_FROM_HERE = ['That did not come from here', 'Please use the buttons of the inbox.'] as const;

function isForm({ headers }: FastifyRequest): boolean {
  return String(headers['content-type']).startsWith('application/x-www-form-urlencoded');
}

/** A page for whoever pressed a button, a problem document (RFC 9457) for a program. */
function refuse(request: FastifyRequest, reply: FastifyReply, status: number, title: string, detail: string) {
  if (isForm(request)) return sendPage(reply, messagePage(title, detail), status);
  return reply
    .code(status)
    .headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail: `${title}. ${detail}` }));
}
