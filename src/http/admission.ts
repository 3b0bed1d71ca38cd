import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { Unavailable } from '../links/errors.js';
import type { LinkStore } from '../links/link-store.js';

/** Answers a request with a refusal, wherever it stands. */
export type Refuse = (error: Error, request: FastifyRequest, reply: FastifyReply) => void;

/** Routes whose work waits in a queue of writes. */
const WRITES: Readonly<Record<string, 'mint' | 'redemption' | undefined>> = {
  '/v1/links': 'mint',
  '/v1/links/redeem': 'redemption',
};

/**
 * What would wait too long is refused before its body is read, its key looked up or its token verified: refusing must
 * cost next to nothing, or a crowd that cannot be served would take the time of those that can.
 */
export function refuseOverload(server: FastifyInstance, store: LinkStore, refuse: Refuse): void {
  server.addHook('onRoute', (route) => {
    const write = [route.method].flat().includes('POST') ? WRITES[route.url] : undefined;
    if (write === undefined) return;
    const refuseIfFull: onRequestHookHandler = (request, reply, done) => {
      if (store.hasRoomFor(write)) done();
      else refuse(new Unavailable(), request, reply);
    };
    route.onRequest = [route.onRequest ?? [], refuseIfFull].flat();
  });
}
