import { randomBytes } from 'node:crypto';
import { APP_STORE, SCOPES, type AppStore, type Scope } from '../../src/apps/app.js';
import { callerFor, revokeKey } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { API_KEY, eventually, HandSetClock, mintBody, startService, type TestService } from '../support/service.js';

/** Guesses over HTTP; `GUESSES=100000` for the long form. */
const GUESSES = Number(process.env['GUESSES'] ?? 1_500);

const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => void (service = await startService({ clock, env: { TRUST_PROXY: '1' } })));
afterAll(() => service.stop());

const from = (address: string) => ({ 'x-forwarded-for': address });
const ask = (key: string, address = '192.0.2.1') =>
  service.request('GET', '/v1/purposes', { headers: { authorization: `Bearer ${key}`, ...from(address) } });

test('guessing keys finds none and is stopped by address, while the holder of a good key goes on', async () => {
  const { key, keyId } = await callerFor(service);
  const statuses = new Map<number, number>();
  const guesses = Array.from({ length: GUESSES }, (_, nth) =>
    nth % 3 === 0
      ? `olk_${keyId}_${randomBytes(20).toString('hex')}`
      : `olk_${randomBytes(8).toString('hex')}_${key.slice(-40)}`,
  );
  const guess = async (): Promise<void> => {
    for (let next = guesses.pop(); next !== undefined; next = guesses.pop()) {
      const { status } = await ask(next, '192.0.2.66');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 8 }, guess));
  expect([...statuses.keys()].sort()).toEqual([401, 429]);
  // 100 a minute; however slow this machine is, far fewer are even answered than were tried.
  expect(statuses.get(429)).toBeGreaterThan(GUESSES / 2);
  const stopped = await ask('olk_a_b', '192.0.2.66');
  expectProblem(stopped, 'rate_limited');
  expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
  // From the very same address, and from any other.
  expect((await ask(key, '192.0.2.66')).status).toBe(200);
  expect((await ask('olk_a_b', '192.0.2.67')).status).toBe(401);
}, 600_000);

test('a key counts in the header only: in the query, a cookie, the body or as a password it is none', async () => {
  const { token } = await service.mintReturned();
  const tries: [string, string, object?, Record<string, string>?][] = [
    ['GET', `/v1/purposes?access_token=${API_KEY}`],
    ['GET', `/v1/purposes?api_key=${API_KEY}&key=${API_KEY}&authorization=Bearer%20${API_KEY}`],
    ['GET', `/v1/links?limit=1&access_token=${API_KEY}`],
    ['POST', `/v1/links?access_token=${API_KEY}`, mintBody()],
    ['POST', '/v1/links', mintBody({ access_token: API_KEY })],
    ['POST', '/v1/links/redeem', { token, purpose: 'password-reset', apiKey: API_KEY }],
    ['GET', '/v1/purposes', undefined, { cookie: `authorization=Bearer ${API_KEY}; access_token=${API_KEY}` }],
    ['GET', '/v1/purposes', undefined, { 'x-api-key': API_KEY }],
    ['GET', '/v1/purposes', undefined, { authorization: API_KEY }],
    ['GET', '/v1/purposes', undefined, { authorization: `Basic ${Buffer.from(`x:${API_KEY}`).toString('base64')}` }],
    ['GET', '/v1/purposes', undefined, { 'proxy-authorization': `Bearer ${API_KEY}` }],
  ];
  for (const [method, path, body, headers = {}] of tries) {
    const answer = await service.request(method, path, { body, headers: { ...headers, ...from('192.0.2.2') } });
    expectProblem(answer, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(answer.text).not.toContain(API_KEY);
  }
  expect(service.logged()).not.toContain(API_KEY);
});

/** THE ROUTES that a key opens: what each asks for (nothing: any key in force will do), and what is asked there. */
const ROUTES: [method: string, path: string, scopes: Scope[], body?: object][] = [
  ['POST', '/v1/links', ['links:mint'], { purpose: 'x' }],
  ['POST', '/v1/links', ['links:mint', 'links:return'], { purpose: 'x', delivery: 'return' }],
  ['POST', '/v1/links/redeem', ['links:redeem'], {}],
  ['POST', '/v1/links/inspect', ['links:redeem'], {}],
  ['GET', '/v1/links', ['links:read']],
  ['GET', '/v1/links/nobody', ['links:read']],
  ['POST', '/v1/links/revoke', ['links:revoke'], {}],
  ['POST', '/v1/links/nobody/revoke', ['links:revoke']],
  ['POST', '/v1/links/nobody/resend', ['links:mint']],
  ['POST', '/v1/notifications', ['links:mint'], {}],
  ['GET', '/v1/messages', ['links:read']],
  ['GET', '/v1/messages/nobody', ['links:read']],
  ['POST', '/v1/messages/nobody/requeue', ['links:mint']],
  ['POST', '/v1/messages/nobody/cancel', ['links:revoke']],
  ['POST', '/v1/bounces', ['links:revoke'], {}],
  ['GET', '/v1/suppressions', ['links:read']],
  ['DELETE', '/v1/suppressions/nobody', ['admin']],
  ['GET', '/v1/purposes', []],
];

test('the API has no route whose scope this test does not know', async () => {
  const { paths } = (await service.request('GET', '/openapi.json')).body as { paths: Record<string, object> };
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, 'nobody')}`),
  );
  expect(new Set(ROUTES.map(([method, path]) => `${method} ${path}`))).toEqual(new Set(served));
});

test('a key does what its scopes say: with all but one of those a route needs it is forbidden', async () => {
  const admin = await callerFor(service, 'default', ['admin']);
  for (const [method, path, needed, body] of ROUTES) {
    for (const missing of needed) {
      const others = SCOPES.filter((scope) => scope !== missing && scope !== 'admin');
      const answer = await (await callerFor(service, 'default', others))(method, path, body);
      expectProblem(answer, 'forbidden');
    }
    const enough = await callerFor(service, 'default', needed);
    for (const call of [enough, admin]) expect([401, 403, 500]).not.toContain((await call(method, path, body)).status);
  }
});

test('a key limited to purposes serves only what names one of them', async () => {
  const call = await callerFor(service, 'default', SCOPES, { purposes: ['magic-link', 'email-verification'] });
  const mint = (purpose: string) => call('POST', '/v1/links', mintBody({ purpose, delivery: 'return' }));
  const { body: link } = await mint('magic-link');
  expect(link.purpose).toBe('magic-link');
  expectProblem(await mint('password-reset'), 'forbidden');
  const reset = await service.mintReturned();
  for (const verb of ['inspect', 'redeem']) {
    const present = (token: string, purpose: unknown) => call('POST', `/v1/links/${verb}`, { token, purpose });
    expectProblem(await present(reset.token, 'password-reset'), 'forbidden');
    expectProblem(await present(reset.token, ['magic-link']), 'forbidden');
    expectProblem(await present(reset.token, 'magic-link'), 'token_invalid');
    expect((await present(link.token, 'magic-link')).status).toBe(200);
  }
  expect((await call('GET', '/v1/links?purpose=magic-link')).status).toBe(200);
  expectProblem(await call('GET', '/v1/links?subject=user_1'), 'forbidden');
  expectProblem(await call('POST', '/v1/links/revoke?purpose=magic-link', { subject: link.subject }), 'forbidden');
  expect((await call('POST', '/v1/links/revoke', { subject: 'nobody', purpose: 'magic-link' })).status).toBe(200);
  // An id does not say what it is of, whatever is written beside it.
  for (const id of [reset.id, link.id]) {
    expectProblem(await call('GET', `/v1/links/${id}?purpose=magic-link`), 'forbidden');
    expectProblem(await call('POST', `/v1/links/${id}/revoke`), 'forbidden');
  }
  expect((await service.api('GET', `/v1/links/${reset.id}`)).body.status).toBe('active');
});

test('an expired or revoked key is refused like an unknown one', async () => {
  const ending = await callerFor(service, 'default', SCOPES, { expiresAt: clock.time + 60_000 });
  const revoked = await callerFor(service);
  for (const call of [ending, revoked]) expect((await call('GET', '/v1/purposes')).status).toBe(200);
  await revokeKey(service, revoked);
  clock.advance(60);
  const unknown = await ask(`olk_unknown_${'0'.repeat(40)}`);
  for (const call of [ending, revoked]) {
    const answer = await call('GET', '/v1/purposes');
    expectProblem(answer, 'unauthorized');
    expect({ ...answer.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
  }
});

test('the last use of a key is known to the minute', async () => {
  const call = await callerFor(service);
  const store = service.app.get<AppStore>(APP_STORE);
  const lastUse = async () => (await store.findKey(call.keyId))?.lastUsedAt;
  expect(await lastUse()).toBeNull();
  const first = clock.time;
  await call('GET', '/v1/purposes');
  await eventually(lastUse);
  clock.advance(59);
  await call('GET', '/v1/purposes');
  expect(await lastUse()).toBe(first);
  clock.advance(1);
  await call('GET', '/v1/purposes');
  await eventually(async () => (await lastUse()) === first + 60_000);
});
