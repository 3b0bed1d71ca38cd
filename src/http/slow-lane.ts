import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';
import { Unavailable } from '../links/errors.js';
import type { Refuse } from './admission.js';

/** Requests that are let go in one turn of the event loop: about two milliseconds of refusals. */
const PER_TURN = 32;
/** Requests that may wait. */
const MOST = 1_000;
/** Whether the last answer on a connection was a refusal. On the socket itself, because every request looks. */
const REFUSED = Symbol('refused');

type Connection = Socket & { [REFUSED]?: boolean };

/**
 * Who was refused last goes last: requests on a connection whose last answer was a refusal (4xx) are let go a few in each
 * turn of the event loop. So a flood of bad tokens gets the time that nobody else needs, and a good request waits for a
 * few of them at most at each of its steps. They are served like all others; where there is no crowd, at once. By
 * connection, because many people share an address.
 */
export function openSlowLane(server: FastifyInstance, refuse: Refuse): void {
  const waiting: { connection: Connection; go: () => void }[] = [];
  let corked: Connection[] = [];

  const turn = (): void => {
    for (const connection of corked) connection.uncork();
    corked = waiting.splice(0, PER_TURN).map(({ connection, go }) => {
      // What one turn answers leaves in one piece: each write costs as much as half a refusal.
      connection.cork();
      go();
      return connection;
    });
    if (corked.length > 0) setImmediate(turn);
  };

  server.addHook('onRequest', (request, reply, go) => {
    const connection: Connection = request.raw.socket;
    if (!connection[REFUSED]) return go();
    if (waiting.length >= MOST) return refuse(new Unavailable(), request, reply);
    if (waiting.push({ connection, go }) === 1 && corked.length === 0) setImmediate(turn);
  });
  server.addHook('onSend', ({ raw: { socket } }, { statusCode }, _payload, done) => {
    if (statusCode < 500) (socket as Connection)[REFUSED] = statusCode >= 400;
    done();
  });
}
