import { addApp, type Caller } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { eventually, mintBody, startService, type Answer, type TestService } from '../support/service.js';

/** What the victim, app `default`, has; the thief has an app of its own and a key with every scope. */
interface Goods {
  readonly mailed: { id: string; subject: string; recipient: string };
  readonly returned: { id: string; token: string };
  readonly suppressed: string;
}

let service: TestService;
let thief: Caller;
let goods: Goods;
const IDEMPOTENCY_KEY = { 'idempotency-key': 'the-victims-own' };

beforeAll(async () => {
  service = await startService({ env: { REDIRECT_URIS: 'https://app.example/callback' } });
  thief = await addApp(service, 'thief', ['https://thief.example/callback']);
  const mailed = (await service.mint({ recipient: 'ann@example.com', subject: 'user_42' }, IDEMPOTENCY_KEY)).body;
  const returned = await service.mintReturned({
    recipient: 'ann@example.com',
    subject: 'user_42',
    purpose: 'magic-link',
  });
  const suppressed = 'gone@example.com';
  await service.api('POST', '/v1/bounces', { recipient: suppressed, kind: 'hard' });
  goods = { mailed, returned, suppressed };
  await eventually(async () => (await service.api('GET', `/v1/links/${mailed.id}`)).body.delivery.status === 'sent');
});
afterAll(() => service.stop());

type Attempt = (goods: Goods) => Promise<void>;
const unknownId = (id: string): string => id.slice(0, -4) + (id.endsWith('AAAA') ? 'BBBB' : 'AAAA');

/** By the victim's id: exactly what an id that nobody has gives. */
const byId =
  (method: string, path: string): Attempt =>
  async ({ mailed, returned }) => {
    const at = (id: string): Promise<Answer> => thief(method, path.replace('{id}', id));
    const unknown = await at(unknownId(mailed.id));
    for (const { id } of [mailed, returned]) {
      const answer = await at(id);
      expectProblem(answer, 'not_found');
      expect({ ...answer.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
    }
  };

/** By the victim's token, as what it is and as a code. */
const byEvidence =
  (path: string): Attempt =>
  async ({ returned }) => {
    const purpose = 'magic-link';
    for (const evidence of [{ token: returned.token }, { code: returned.token }])
      expectProblem(await thief('POST', path, { ...evidence, purpose }), 'token_invalid');
  };

/** By everything the victim could be found by, its cursors included: nothing, and not the victim's name for it. */
const byFilter =
  (path: string, ...filters: ((goods: Goods) => string)[]): Attempt =>
  async (all) => {
    for (const filter of [() => '', ...filters]) {
      const { status, body } = await thief('GET', `${path}?${filter(all)}`);
      expect(status).toBe(200);
      for (const item of body.items) expect(item).toMatchObject({ app: 'thief' });
    }
    expectProblem(await thief('GET', `${path}?app=default`), 'request_invalid');
  };

/** THE ROUTES of the API that only a key opens. A new one needs its line here: what does another app get? */
const ROUTES: Record<string, Attempt> = {
  'POST /v1/links': async ({ mailed }) => {
    const body = { purpose: 'password-reset', recipient: 'ann@example.com', subject: 'user_42' };
    // The same key and body as the victim's, and it is the thief's own link; limits are not shared either.
    const { status, body: link, headers } = await thief('POST', '/v1/links', body, IDEMPOTENCY_KEY);
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(link).toMatchObject({ app: 'thief' });
    expect(link.id).not.toBe(mailed.id);
    expectProblem(await thief('POST', '/v1/links', { ...mintBody(), app: 'default' }), 'request_invalid');
    const redirectUri = 'https://app.example/callback';
    expectProblem(await thief('POST', '/v1/links', mintBody({ redirectUri })), 'redirect_uri_not_allowed');
  },
  'POST /v1/links/redeem': byEvidence('/v1/links/redeem'),
  'POST /v1/links/inspect': byEvidence('/v1/links/inspect'),
  'GET /v1/links': byFilter(
    '/v1/links',
    () => 'subject=user_42',
    () => 'recipient=ann@example.com',
    () => 'purpose=magic-link&status=active',
    ({ mailed }) => `cursor=${mailed.id}`,
    ({ returned }) => `cursor=${returned.id}&subject=user_42`,
  ),
  'POST /v1/links/revoke': async ({ mailed: { subject, recipient } }) => {
    for (const body of [{ subject: 'user_42' }, { recipient }, { subject, recipient, purpose: 'magic-link' }]) {
      await thief('POST', '/v1/links/revoke', body);
      expect((await thief('POST', '/v1/links/revoke', body)).body).toEqual({ revoked: 0 });
    }
  },
  'GET /v1/links/{id}': byId('GET', '/v1/links/{id}'),
  'POST /v1/links/{id}/revoke': byId('POST', '/v1/links/{id}/revoke'),
  'POST /v1/links/{id}/resend': byId('POST', '/v1/links/{id}/resend'),
  'GET /v1/purposes': async () => {
    // The same for every app, and about none.
    expect((await thief('GET', '/v1/purposes')).text).toBe((await service.api('GET', '/v1/purposes')).text);
  },
  'GET /v1/messages': byFilter(
    '/v1/messages',
    () => 'recipient=ann@example.com',
    () => 'status=sent',
    ({ mailed }) => `cursor=${mailed.id}`,
  ),
  'GET /v1/messages/{id}': byId('GET', '/v1/messages/{id}'),
  'POST /v1/messages/{id}/requeue': byId('POST', '/v1/messages/{id}/requeue'),
  'POST /v1/messages/{id}/cancel': byId('POST', '/v1/messages/{id}/cancel'),
  'POST /v1/bounces': async ({ mailed }) => {
    const { body } = await thief('POST', '/v1/bounces', {
      recipient: mailed.recipient,
      kind: 'hard',
      messageId: mailed.id,
    });
    // It suppresses for the thief's own mail only, and knows nothing of the victim's.
    expect(body).toMatchObject({ message: null });
    expect(
      (await service.mint({ recipient: mailed.recipient, purpose: 'email-verification' })).body.delivery.status,
    ).not.toBe('suppressed');
  },
  'GET /v1/suppressions': async ({ suppressed }) => {
    for (const query of ['', `?recipient=${suppressed}`])
      expect((await thief('GET', `/v1/suppressions${query}`)).text).not.toContain(suppressed);
  },
  'DELETE /v1/suppressions/{recipient}': async ({ suppressed }) => {
    expect((await thief('DELETE', `/v1/suppressions/${suppressed}`)).body).toEqual({ lifted: 0 });
  },
  'POST /v1/notifications': async () => {
    const { body } = await thief('POST', '/v1/notifications', mintBody({ purpose: 'password-changed' }));
    expect(body).toMatchObject({ app: 'thief' });
  },
};

/** Everything the victim can see of what it has, but what it makes itself in the tests above. */
async function inventory({ mailed, returned, suppressed }: Goods): Promise<unknown[]> {
  const paths = [
    ...[mailed, returned].map(({ id }) => `/v1/links/${id}`),
    `/v1/messages/${mailed.id}`,
    '/v1/links?subject=user_42',
    `/v1/suppressions?recipient=${suppressed}`,
  ];
  return Promise.all(paths.map(async (path) => (await service.api('GET', path)).body));
}

test('the API has no route that this test does not know', async () => {
  const { paths } = (await service.request('GET', '/openapi.json')).body as { paths: Record<string, object> };
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(served.length).toBeGreaterThan(5);
  expect(served.sort()).toEqual(Object.keys(ROUTES).sort());
});

test.each(Object.entries(ROUTES))(
  "%s gives nothing of another app's and changes nothing of it",
  async (_route, attempt) => {
    const before = await inventory(goods);
    await attempt(goods);
    expect(await inventory(goods)).toEqual(before);
  },
);

test("after all of it the victim's link is good, once", async () => {
  const body = { token: goods.returned.token, purpose: 'magic-link' };
  expect((await service.api('POST', '/v1/links/redeem', body)).status).toBe(200);
  // Not even that it has been used is for others to know.
  for (const verb of ['redeem', 'inspect'])
    expectProblem(await thief('POST', `/v1/links/${verb}`, body), 'token_invalid');
  expectProblem(await service.api('POST', '/v1/links/redeem', body), 'link_redeemed');
});
