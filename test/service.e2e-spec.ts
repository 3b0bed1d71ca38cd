import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { METHODS, request } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { expectProblem } from './support/problem.js';
import { startService, type Answer, type TestService } from './support/service.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  SIGNING_KEYS: JSON.stringify({
    keys: [
      {
        kty: 'oct',
        alg: 'HS256',
        kid: 'one',
        k: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
      },
    ],
  }),
  SMTP_URL: 'smtp://127.0.0.1:9',
  MAIL_FROM: 'Example <no-reply@example.com>',
};

/** Starts a service. @returns it, and every address that it registered */
async function watched(env: Record<string, string> = {}): Promise<{ service: TestService; addresses: Set<string> }> {
  const addresses = new Set<string>();
  // Fastify tells of each server it makes, before anything is registered there.
  const note = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ url }) => void addresses.add(url));
  };
  subscribe('fastify.initialization', note);
  const service = await startService({ env });
  unsubscribe('fastify.initialization', note);
  return { service, addresses };
}

let development: Awaited<ReturnType<typeof watched>>;
let production: Awaited<ReturnType<typeof watched>>;
beforeAll(async () => {
  development = await watched();
  production = await watched(PRODUCTION);
}, 60_000);
afterAll(() => Promise.all([development?.service.stop(), production?.service.stop()]));

const extras = (): string[] => [...development.addresses].filter((address) => !production.addresses.has(address));

/** `fetch` does not know every method. A QUERY is no request without something to ask by. */
const ask = (method: string, path: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const query = method === 'QUERY';
    const headers = query ? { 'content-type': 'application/json' } : {};
    const outgoing = request(production.service.url + path, { method, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const headers = new Headers(incoming.headers as Record<string, string>);
        resolve({ status: incoming.statusCode!, headers, text, body: (text && JSON.parse(text)) as never });
      });
    });
    outgoing.on('error', reject).end(query ? '{}' : undefined);
  });

test('what only development has is known: the demo, the inbox with its scanner, the clock, templates, a callback', () => {
  expect(extras()).toEqual(
    expect.arrayContaining([
      '/',
      '/demo/',
      '/dev/inbox/',
      '/dev/inbox/mails',
      '/dev/inbox/:id/scan',
      '/dev/clock/',
      '/dev/templates/*',
      '/dev/callback/',
    ]),
  );
});

test('production has nothing but the API, the pages, the documentation and what operators ask', () => {
  const known = /^\/(v1|l|links|r|docs|health)(\/|$)|^\/docs-|^\/(metrics|openapi\.json|\.well-known\/jwks\.json)$/;
  expect([...production.addresses].filter((address) => !known.test(address))).toEqual([]);
});

test('in production none of it answers, whatever the method', async () => {
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  for (const address of extras()) {
    const path = address.replace(/:\w+/g, 'x').replace('*', 'x');
    for (const method of methods) {
      const answer = await ask(method, path);
      if (method !== 'HEAD') expectProblem(answer, 'not_found');
      else
        expect([answer.status, answer.headers.get('content-type')?.split(';')[0]]).toEqual([
          404,
          'application/problem+json',
        ]);
    }
  }
}, 60_000);

test('the documentation of the API does not know of it, in development neither', async () => {
  const documents = await Promise.all(
    [development, production].map(async ({ service }) => (await service.request('GET', '/openapi.json')).body),
  );
  expect(documents[0]).toEqual(documents[1]);
  const paths = Object.keys(documents[1].paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
  expect(paths).toContain('/v1/links/:id');
  expect(paths.filter((path) => extras().includes(path))).toEqual([]);
});
