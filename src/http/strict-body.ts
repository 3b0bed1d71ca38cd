import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestInvalid } from '../links/errors.js';
import { parseStrictJson, StrictJsonError } from '../links/strict-json.js';
import { Problem } from './problems.js';

const MAX_DEPTH = 16;
export const MAX_BODY = 64 * 1024;

/** Bodies: strict JSON for the API, URL-encoded for the one form. Anything else is 415. */
export function registerBodyParsers(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: MAX_BODY }, (request, body, done) => {
    try {
      requirePlainUtf8(request);
      // Many clients name a type although they send nothing, where nothing is taken.
      if (body.length === 0 && takesNoBody(request)) return done(null, undefined);
      done(null, parseStrictJson(body as Buffer, MAX_DEPTH));
    } catch (error) {
      done(error instanceof StrictJsonError ? problemOf(error) : (error as Error));
    }
  });
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_BODY },
    (request, body, done) => {
      // By the route, not the address: that may be spelled in many ways.
      if (request.routeOptions.url?.startsWith('/v1/'))
        return done(new Problem('unsupported_media_type', 'Send application/json.'));
      done(null, Object.fromEntries(new URLSearchParams(body as string)));
    },
  );
}

/** @throws RequestInvalid if a route that takes no body got one */
export function requireNoBody(body: unknown): void {
  if (body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0)) return;
  throw RequestInvalid.at('', 'takes no body');
}

/** What is done to one thing is all in the address. */
function takesNoBody({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url?.includes('/:') ?? false;
}

/** What is compressed or of another charset is refused before it is mistaken for something else. */
function requirePlainUtf8({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity')
    throw new Problem('unsupported_media_type', 'Send the body without a Content-Encoding.', {
      headers: { 'accept-encoding': 'identity' },
    });
  if (/charset\s*=\s*(?!"?utf-8"?\s*(?:;|$))/i.test(headers['content-type']!))
    throw new Problem('unsupported_media_type', 'JSON is UTF-8.');
}

function problemOf(error: StrictJsonError): Problem {
  const errors = [{ pointer: '', detail: error.message }];
  if (error.kind === 'syntax')
    return new Problem('request_invalid', `The body ${error.message}.`, { status: 400, errors });
  return new Problem('request_invalid', `The body ${error.message}.`, { errors });
}
