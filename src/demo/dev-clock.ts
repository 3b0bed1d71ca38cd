import type { FastifyPluginAsync } from 'fastify';
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
    if (!isSameOrigin(request)) return sendPage(reply, notFromHere, 403);
  });

  const told = () => ({ now: new Date(clock.now()).toISOString(), ahead: clock.shift });
  app.get('/', async (_request, reply) => reply.header('cache-control', 'no-store').send(told()));

  app.post('/', async (request, reply) => {
    const { advance, reset } = (request.body ?? {}) as { advance?: unknown; reset?: unknown };
    const seconds = Number(advance ?? Number.NaN);
    if (reset !== undefined) clock.reset();
    else if (Number.isSafeInteger(seconds) && seconds > 0 && seconds <= MOST) clock.advance(seconds);
    else return sendPage(reply, badStep, 422);
    // Mails may be due now.
    onMoved();
    const isForm = String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded');
    return isForm ? goTo(reply, '/dev/inbox') : reply.header('cache-control', 'no-store').send(told());
  });
};

const badStep = messagePage(
  'That is no step',
  'Send { "advance": seconds }, a whole number of at least 1, or { "reset": true }.',
);
const notFromHere = messagePage('That did not come from here', 'Please use the buttons of the inbox.');
