import type { FastifyRequest } from 'fastify';

/**
 * Whether a request that changes something comes from our own pages (OWASP CSRF cheat sheet: Fetch Metadata, with
 * `Origin` as the fall-back). Every browser sends one of the two headers with a POST; a caller that sends neither is
 * no browser, carries nobody's cookies, and so has nobody to deceive.
 */
export function isSameOrigin(request: FastifyRequest): boolean {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return true;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host } = request.headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}
