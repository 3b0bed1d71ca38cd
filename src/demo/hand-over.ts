import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { goTo } from './web/pages.js';

const COOKIE = 'fernweh_code';
const MAX_AGE = 10 * 60; // seconds; longer than any code lives, so an old code is refused by Oncelink, in its words

/** What a browser brought back from the confirm page. */
export interface HandOver {
  code: string;
  /** This browser's name for its attempt to use the code: the Idempotency-Key. Another browser has another one. */
  attempt: string;
}

/**
 * The confirm page sends people back with `?code=…`. The first thing to do is to get the code out of the address bar,
 * where history, screenshots and copied links would keep it: into a cookie that only this page receives, then
 * on to the same address without it.
 */
export function takeCode(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const { code } = request.query as { code?: unknown };
  if (code === undefined) return undefined;
  const path = pathOf(request);
  // Codes are base64url and dots. Anything else is not ours, and arrives as "no code".
  if (typeof code === 'string' && /^[\w.-]{1,2048}$/.test(code)) {
    reply.setCookie(COOKIE, `${randomUUID()}~${code}`, { path, maxAge: MAX_AGE });
  }
  return goTo(reply, path);
}

export function handedOver(request: FastifyRequest): HandOver | undefined {
  const [attempt, code] = request.cookies[COOKIE]?.split('~') ?? [];
  return attempt && code ? { attempt, code } : undefined;
}

export function forgetCode(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(COOKIE, { path: pathOf(request) });
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!;
