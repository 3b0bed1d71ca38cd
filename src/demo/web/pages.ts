import type { FastifyReply } from 'fastify';
import type { Html } from './html.js';

/** No script, no frame, nothing from elsewhere; forms go nowhere but here. */
const CSP = {
  'default-src': "'none'",
  'style-src': "'self'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
  'base-uri': "'none'",
};

/** Sends a page. `no-store` and `no-referrer` because its address or content may be for this one reader only. */
export function sendPage(reply: FastifyReply, page: Html, status = 200, policy: Record<string, string> = {}) {
  const csp = Object.entries({ ...CSP, ...policy }).map(([directive, value]) => `${directive} ${value}`);
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': csp.join('; '),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .send(page.markup);
}

/** POST, redirect, GET: a reload never repeats what a form did. */
export function goTo(reply: FastifyReply, path: string) {
  return reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).redirect(path, 303);
}
