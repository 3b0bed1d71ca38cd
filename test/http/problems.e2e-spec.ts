import { join } from 'node:path';
import { callerFor } from '../support/apps.js';
import { CANARY, STATUS_OF, expectNoEcho, expectProblem, type Code } from '../support/problem.js';
import { API_KEY, HandSetClock, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { lockDatabase } from '../support/sqlite-lock.js';
import { TemplatesCopy } from '../support/templates.js';
import { within } from '../support/within.js';

const clock = new HandSetClock();
const templates = new TemplatesCopy();
let service: TestService;
beforeAll(async () => {
  templates.edit('purposes/magic-link/purpose.yaml', 'oneTimeCode: none', 'oneTimeCode: mail');
  const env = { REDIRECT_URIS: 'https://app.example/callback', TEMPLATES_DIR: templates.directory };
  service = await startService({ clock, env });
});
afterAll(async () => {
  await service.stop();
  templates.discard();
});

const redeem = (token: string, more: object = {}): Promise<Answer> =>
  service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset', ...more });
/** Types a code for a link until it is dead. @returns the last answer to a wrong one */
const mistype = async (times: number): Promise<Answer> => {
  const { id } = await service.mintReturned({ purpose: 'magic-link', subject: CANARY });
  const typed = { purpose: 'magic-link', id, oneTimeCode: CANARY.slice(0, 8).replace('r', '0') };
  let answer = await service.api('POST', '/v1/links/redeem', typed);
  for (let more = 1; more < times; more++) answer = await service.api('POST', '/v1/links/redeem', typed);
  return answer;
};
const lock = () => lockDatabase(join(service.directory, 'oncelink.sqlite'));

/** How each problem comes about, and something of the input that must not come back. */
const PRODUCE: Record<Code, () => Promise<Answer>> = {
  request_invalid: () => service.mint({ recipient: `${CANARY} <ann@example.com>`, [CANARY]: CANARY }),
  unauthorized: () =>
    service.request('GET', '/v1/links', {
      headers: { authorization: `Bearer olk_${CANARY}_0123456789abcdef0123456789` },
    }),
  forbidden: async () => {
    const reader = await callerFor(service, 'default', ['links:read']);
    return reader('POST', '/v1/links', mintBody({ subject: CANARY }));
  },
  not_found: () => service.api('GET', `/v1/links/${CANARY}`),
  token_invalid: () => redeem(`${CANARY}.${CANARY}.${CANARY}`),
  code_incorrect: () => mistype(1),
  code_exhausted: () => mistype(6),
  link_expired: async () => {
    const { token } = await service.mintReturned({ expiresIn: 60, subject: CANARY });
    clock.advance(60);
    return redeem(token);
  },
  link_redeemed: async () => {
    const { token } = await service.mintReturned({ data: { name: CANARY }, subject: CANARY });
    expect((await redeem(token)).status).toBe(200);
    return redeem(token);
  },
  link_revoked: async () => {
    const { id, token } = await service.mintReturned({ subject: `${CANARY}2` });
    await service.api('POST', `/v1/links/${id}/revoke`);
    return redeem(token);
  },
  link_superseded: async () => {
    const { token } = await service.mintReturned({ subject: `${CANARY}3` });
    await service.mintReturned({ subject: `${CANARY}3` });
    return redeem(token);
  },
  fingerprint_mismatch: async () => {
    const { token } = await service.mintReturned({ fingerprint: `${CANARY} was` });
    return redeem(token, { fingerprint: `${CANARY} is` });
  },
  binding_mismatch: async () => {
    const { token } = await service.mintReturned({ codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' });
    return redeem(token, { codeVerifier: CANARY });
  },
  redirect_uri_not_allowed: () => service.mint({ redirectUri: `https://app.example/${CANARY}` }),
  idempotency_mismatch: async () => {
    await service.mint({ subject: 'first' }, { 'idempotency-key': CANARY });
    return service.mint({ subject: CANARY }, { 'idempotency-key': CANARY });
  },
  rate_limited: async () => {
    await service.mint({ recipient: `${CANARY}@example.com` });
    return service.mint({ recipient: `${CANARY}@example.com` });
  },
  payload_too_large: () => service.mint({ data: { [CANARY]: CANARY.repeat(8_000) } }),
  unsupported_media_type: () =>
    service.api('POST', '/v1/links', `<recipient>${CANARY}</recipient>`, { 'content-type': `application/${CANARY}` }),
  method_not_allowed: () => service.api('DELETE', `/v1/links/${CANARY}`),
  unavailable: async () => {
    const unlock = await lock();
    const answer = await service.mint({ subject: CANARY });
    await unlock();
    return answer;
  },
};

test.each(Object.keys(STATUS_OF) as Code[])('%s has its status and its exact document', async (code) => {
  expectProblem(await PRODUCE[code](), code);
});

test('a body that is not JSON is request_invalid with status 400', async () => {
  expectProblem(await service.api('POST', '/v1/links', `{"recipient": ${CANARY}`), 'request_invalid', 400);
});

test('request_invalid lists every fault of a body at once, each by its pointer', async () => {
  const { body } = await service.mint({ recipient: 7, subject: '', locale: false, expiresIn: '60' });
  const pointers = new Set(body.errors.map(({ pointer }: { pointer: string }) => pointer));
  expect([...pointers].sort()).toEqual(['/expiresIn', '/locale', '/recipient', '/subject']);
});

test('the fault of an unknown variable of the mail is found below templateData', async () => {
  const { body } = await service.mint({ templateData: { [CANARY]: 'x' } });
  expect(body.errors).toEqual([{ pointer: expect.stringMatching(/^\/templateData/), detail: expect.any(String) }]);
});

test('every problem has an instance of its own, which the log bears, too', async () => {
  const [one, two] = await Promise.all([service.api('GET', '/v1/links/none'), service.api('GET', '/v1/links/none')]);
  expect(one.body.instance).not.toBe(two.body.instance);
  expect(service.logged()).toContain(one.body.instance.split(':').at(-1));
});

test('unauthorized names the scheme, and is the answer to every key that is not in force', async () => {
  const wrong = [
    undefined,
    'Basic dXNlcjpwYXNz',
    'Bearer',
    `Bearer ${API_KEY}x`,
    `Bearer ${API_KEY.slice(0, -1)}`,
    API_KEY,
  ];
  for (const authorization of wrong) {
    const answer = await service.request('GET', '/v1/purposes', { headers: authorization ? { authorization } : {} });
    expectProblem(answer, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  }
  expectProblem(await service.request('GET', `/v1/links?access_token=${API_KEY}`), 'unauthorized');
});

test('unauthorized comes before any judgement of the body', async () => {
  expectProblem(await service.request('POST', '/v1/links', { body: { nonsense: true } }), 'unauthorized');
});

test.each([
  ['PUT', '/v1/links', 'GET'],
  ['DELETE', '/v1/links', 'POST'],
  ['GET', '/v1/links/redeem', 'POST'],
  ['GET', '/v1/links/inspect', 'POST'],
  ['PATCH', '/v1/links/some-id', 'GET'],
  ['GET', '/v1/links/some-id/revoke', 'POST'],
  ['POST', '/v1/purposes', 'GET'],
  ['POST', '/health/live', 'GET'],
])('%s %s is method_not_allowed, and Allow names %s', async (method, path, allowed) => {
  const answer = await service.api(method, path);
  expectProblem(answer, 'method_not_allowed');
  expect(answer.headers.get('allow')!.split(/, */)).toContain(allowed);
  expect(answer.headers.get('allow')!.split(/, */)).not.toContain(method);
});

test.each(['/nothing', `/${CANARY}`, '/v1', `/v1/${CANARY}`, `/v1/links/a/${CANARY}`])(
  'an address that does not exist is not_found, with a key or without: %s',
  async (path) => {
    expectProblem(await service.api('GET', path), 'not_found');
    expectProblem(await service.request('GET', path), 'not_found');
  },
);

test.each([`/v1/links/%zz${CANARY}`, `/v1/links/%c3%28${CANARY}`, `/%zz${CANARY}`, `/v1/links?limit=%zz${CANARY}`])(
  'an address that cannot be decoded is a problem document that does not repeat it: %s',
  async (path) => {
    const answer = await service.api('GET', path);
    expect([400, 404, 422]).toContain(answer.status);
    expectProblem(answer, answer.body.code, answer.status);
  },
);

describe('while the database cannot be written', () => {
  test('nothing is decided, and afterwards the link is as good as before', async () => {
    const { id, token } = await service.mintReturned();
    const unlock = await lock();
    try {
      expectProblem(await redeem(token), 'unavailable');
      expectProblem(await service.api('POST', `/v1/links/${id}/revoke`), 'unavailable');
      expectProblem(await service.mint(), 'unavailable');
      expect((await service.api('GET', `/v1/links/${id}`)).body.status).toBe('active');
    } finally {
      await unlock();
    }
    expect((await redeem(token)).status).toBe(200);
    expect((await service.mint()).status).toBe(201);
  });

  test('a redemption that had to wait behind other writes is not carried out after its 503', async () => {
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => service.mintReturned()));
    const unlock = await lock();
    try {
      const revocations = [one, two].map((link) => service.api('POST', `/v1/links/${link!.id}/revoke`));
      const answers = await Promise.all([...revocations, redeem(three!.token)]);
      for (const answer of answers) expectProblem(answer, 'unavailable');
    } finally {
      await unlock();
    }
    // Whatever waits in the database's own queue runs before this does.
    await service.mintReturned();
    expect((await service.api('GET', `/v1/links/${three!.id}`)).body.status).toBe('active');
    expect((await redeem(three!.token)).status).toBe(200);
  });

  test('ten callers at once are all answered soon, not one after the other', async () => {
    const links = await Promise.all(Array.from({ length: 10 }, () => service.mintReturned()));
    const unlock = await lock();
    const answers = Promise.all(links.map(({ token }) => redeem(token)));
    try {
      for (const answer of await within(8, answers)) expectProblem(answer, 'unavailable');
    } finally {
      await unlock();
      await answers;
    }
    for (const { token } of links) expect((await redeem(token)).status).toBe(200);
  });
});

test('no answer of this file repeated its input, and neither did the log', async () => {
  expectNoEcho(await service.api('GET', `/v1/links?${CANARY}=1&limit=${CANARY}`));
  expect(service.logged()).not.toContain(CANARY);
});
