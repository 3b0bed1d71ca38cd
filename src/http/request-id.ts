import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/**
 * What a problem's `instance` and the log lines about a request have in common. Made when somebody first speaks of the
 * request: most are never spoken of, and while they wait each would hold the twenty texts a UUID is put together from.
 */
export function requestId(request: FastifyRequest): string {
  return (request.id ||= randomUUID());
}
