import { SCOPES, type Scope } from '../../src/apps/app.js';
import { addApp, callerFor, revokeKey } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { HandSetClock, eventually, mintBody, startService, type Answer, type TestService } from '../support/service.js';

const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => {
  service = await startService({
    clock,
    env: { REDIRECT_URIS: 'https://app.example/callback,https://app.example/other' },
  });
});
afterAll(() => service.stop());

let nobody = 0;
const newRecipient = (): string => `limited-${++nobody}@example.com`;
const mailsTo = (recipient: string) => service.inbox.list().filter(({ to }) => to === recipient);
const mailTo = (recipient: string) => eventually(() => mailsTo(recipient)[0]);
const statuses = (answers: Answer[]) => answers.map(({ status }) => status);
const count = (answers: Answer[], status: number) => answers.filter((answer) => answer.status === status).length;
const many = <Value>(times: number, make: (index: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: times }, (_value, index) => make(index)));
const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString());

describe('the answer to a mint', () => {
  const expected = (more: object = {}) => ({
    id: expect.stringMatching(/^[A-Za-z0-9_-]{22,}$/),
    app: 'default',
    purpose: 'password-reset',
    subject: 'user_42',
    recipient: expect.any(String),
    status: 'active',
    createdAt: new Date(clock.time).toISOString(),
    expiresAt: expect.stringMatching(/Z$/),
    redeemedAt: null,
    revokedAt: null,
    openedAt: null,
    locale: 'en',
    redirectUri: null,
    data: {},
    delivery: { status: 'queued', attempts: 0, sentAt: null, lastError: null },
    ...more,
  });

  test('is the link with exactly the members of the contract, and its address', async () => {
    const answer = await service.mint({ subject: 'user_42', recipient: 'Ann.Lee+x@EXAMPLE.com' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual(expected({ recipient: 'Ann.Lee+x@example.com' }));
    expect(Date.parse(answer.body.expiresAt)).toBe(Math.floor(clock.time / 1000) * 1000 + 1_800_000);
    expect(answer.headers.get('location')).toBe(`/v1/links/${answer.body.id}`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const read = await service.api('GET', answer.headers.get('location')!);
    expect(read.status).toBe(200);
    expect(Object.keys(read.body).sort()).toEqual(Object.keys(answer.body).sort());
  });

  test('gives back what was asked for', async () => {
    const asked = {
      locale: 'de-at',
      redirectUri: 'https://app.example/other',
      data: { plan: 'pro', list: [1, null, { a: 'ä' }] },
    };
    const { body } = await service.mint({ subject: 'user_42', ...asked });
    expect(body).toEqual(expected({ ...asked, locale: 'de-AT' }));
  });

  test('has the URL and the token if the link is returned, this once', async () => {
    const { status, body } = await service.mint({ subject: 'user_42', delivery: 'return' });
    expect(status).toBe(201);
    const none = { status: 'none', attempts: 0, sentAt: null, lastError: null };
    expect(body).toEqual(
      expected({ delivery: none, url: `${service.url}/l/${body.token}`, token: expect.any(String) }),
    );
    const read = await service.api('GET', `/v1/links/${body.id}`);
    const listed = await service.api('GET', '/v1/links?subject=user_42');
    expect(read.text + listed.text).not.toContain(body.token);
    expect(read.body).not.toHaveProperty('url');
    expect(mailsTo(body.recipient)).toEqual([]);
  });

  test('never has the token of a link that is mailed', async () => {
    const { body } = await service.mint({ recipient: 'mailed@example.com' });
    expect(body).not.toHaveProperty('url');
    expect(body).not.toHaveProperty('token');
    await mailTo('mailed@example.com');
  });

  test.each([
    ['any member names', '{"constructor":1,"toString":{"a":[]},"":2,"a/b~c":3}'],
    ['hostile text', '{"a":"\\u0000\\u202e\'; DROP TABLE links; --","b":"\\ud83d\\ude00 <script>"}'],
    ['sixteen levels with the body', `{"data":${'['.repeat(14)}${']'.repeat(14)}}`],
    ['4 KiB', JSON.stringify({ a: 'x'.repeat(4096 - 8) })],
    ['the largest numbers', '{"a":9007199254740991,"b":-9007199254740991,"c":1e-300,"d":0.1,"e":-1.5}'],
    ['half a character', '{"a":"\\ud800","b":"\\udc00x"}'],
  ])('holds data of %s unchanged, to the redemption', async (_what, json) => {
    const body = JSON.stringify(mintBody({ delivery: 'return' })).replace(/\}$/, `,"data":${json}}`);
    const minted = await service.api('POST', '/v1/links', body);
    expect(minted.status).toBe(201);
    expect(minted.body.data).toEqual(JSON.parse(json));
    const redeemed = await service.api('POST', '/v1/links/redeem', {
      token: minted.body.token,
      purpose: 'password-reset',
    });
    expect(redeemed.body.link.data).toEqual(JSON.parse(json));
  });

  test('does not lose a member named __proto__: it is handed back or refused', async () => {
    const body = JSON.stringify(mintBody()).replace(/\}$/, ',"data":{"__proto__":{"admin":true},"a":1}}');
    const minted = await service.api('POST', '/v1/links', body);
    if (minted.status === 201) expect(minted.text).toContain('__proto__');
    else expectProblem(minted, 'request_invalid');
  });
});

describe('the token', () => {
  test('has exactly the header and the claims of the contract', async () => {
    const { id, token } = await service.mintReturned({ purpose: 'magic-link', subject: 'user_7', expiresIn: 120 });
    expect(part(token, 0)).toEqual({
      alg: 'HS256',
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      typ: 'oncelink+jwt',
    });
    const now = Math.floor(clock.time / 1000);
    expect(part(token, 1)).toEqual({
      iss: service.settings.publicUrl,
      aud: 'default',
      sub: 'user_7',
      jti: id,
      purpose: 'magic-link',
      iat: now,
      exp: now + 120,
    });
  });

  test('fits into a link of 440 characters with a subject of 36, whatever the purpose', async () => {
    for (const purpose of ['password-reset', 'email-verification', 'magic-link']) {
      const { url } = await service.mintReturned({ purpose, subject: '0192b1c0-7d7e-7c3a-9d3e-2f6a1b5c8d9e' });
      expect(url.length).toBeLessThanOrEqual(440);
    }
  });

  test('has at least 128 random bits in its jti', async () => {
    const links = await many(50, () => service.mintReturned());
    const random = new Set(links.map(({ id }) => id.slice(-22)));
    expect(random.size).toBe(50);
    // No character of the random part stands still (the last one of 16 bytes in base64url has only four values).
    for (let at = 0; at < 21; at++) expect(new Set([...random].map((text) => text[at])).size).toBeGreaterThan(8);
  });
});

describe('the life of a link', () => {
  test.each([
    ['password-reset', 1_800, 86_400],
    ['magic-link', 600, 86_400],
    ['email-verification', 86_400, 604_800],
  ])('of %s is %i s unless asked otherwise, and at most %i s', async (purpose, usual, longest) => {
    const seconds = async (expiresIn?: number) => {
      const { token } = await service.mintReturned({ purpose, expiresIn });
      return part(token, 1).exp - part(token, 1).iat;
    };
    expect(await seconds()).toBe(usual);
    expect(await seconds(1)).toBe(1);
    expect(await seconds(longest)).toBe(longest);
    expectProblem(await service.mint({ purpose, expiresIn: longest + 1 }), 'request_invalid');
    expectProblem(await service.mint({ purpose, expiresIn: 0 }), 'request_invalid');
  });
});

describe('scopes', () => {
  const CALLS: Record<Exclude<Scope, 'admin'>, [method: string, path: string, body?: object]> = {
    'links:mint': ['POST', '/v1/links'],
    'links:return': ['POST', '/v1/links', { delivery: 'return' }],
    'links:redeem': ['POST', '/v1/links/redeem', { token: 'a.b.c', purpose: 'password-reset' }],
    'links:read': ['GET', '/v1/links'],
    'links:revoke': ['POST', '/v1/links/revoke', { subject: 'nobody' }],
  };
  const makeCall = async (scopes: Scope[], scope: keyof typeof CALLS) => {
    const [method, path, body] = CALLS[scope];
    const caller = await callerFor(service, 'default', scopes);
    return caller(method, path, path === '/v1/links' && method === 'POST' ? mintBody(body) : body);
  };

  test.each(Object.keys(CALLS) as (keyof typeof CALLS)[])(
    'without %s its call is forbidden, even with all others',
    async (scope) => {
      const others = SCOPES.filter((one) => one !== scope && one !== 'admin');
      expectProblem(await makeCall(others, scope), 'forbidden');
    },
  );
  test.each(Object.keys(CALLS) as (keyof typeof CALLS)[])('with %s its call is answered', async (scope) => {
    const needed: Scope[] = scope === 'links:return' ? ['links:mint', 'links:return'] : [scope];
    expect((await makeCall(needed, scope)).status).not.toBe(403);
  });

  test('inspecting needs what redeeming needs, reading one link what listing needs', async () => {
    const caller = await callerFor(service, 'default', ['links:mint', 'links:return', 'links:revoke']);
    const { id, token } = await service.mintReturned();
    expectProblem(await caller('POST', '/v1/links/inspect', { token, purpose: 'password-reset' }), 'forbidden');
    expectProblem(await caller('GET', `/v1/links/${id}`), 'forbidden');
  });

  test('a forbidden redemption leaves the link as it was', async () => {
    const caller = await callerFor(service, 'default', ['links:read']);
    const { token } = await service.mintReturned();
    expectProblem(await caller('POST', '/v1/links/redeem', { token, purpose: 'password-reset' }), 'forbidden');
    expect((await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' })).status).toBe(200);
  });

  test('a revoked key is no key', async () => {
    const caller = await callerFor(service);
    expect((await caller('GET', '/v1/purposes')).status).toBe(200);
    await revokeKey(service, caller);
    clock.advance(60);
    expectProblem(await caller('GET', '/v1/purposes'), 'unauthorized');
  });
});

describe('limits', () => {
  test('a second mail of one purpose has to wait for 30 seconds, and Retry-After says how long exactly', async () => {
    const recipient = newRecipient();
    expect((await service.mint({ recipient })).status).toBe(201);
    clock.advance(12.5);
    const limited = await service.mint({ recipient });
    expectProblem(limited, 'rate_limited');
    expect(limited.headers.get('retry-after')).toBe('18');
    clock.advance(17.4);
    expectProblem(await service.mint({ recipient }), 'rate_limited');
    clock.advance(0.1);
    expect((await service.mint({ recipient })).status).toBe(201);
  });

  test('the cool-down is for one purpose, one recipient and mails alone', async () => {
    const recipient = newRecipient();
    const answers = [
      await service.mint({ recipient }),
      await service.mint({ recipient, purpose: 'magic-link' }),
      await service.mint({ recipient: newRecipient() }),
      await service.mint({ recipient, delivery: 'return' }),
      await service.mint({ recipient }),
    ];
    expect(statuses(answers)).toEqual([201, 201, 201, 201, 429]);
  });

  test('ten mints an hour reach one recipient, across purposes, deliveries, subjects and decoys', async () => {
    const recipient = newRecipient();
    const kinds = [
      { purpose: 'password-reset' },
      { purpose: 'magic-link' },
      { purpose: 'email-verification' },
      { delivery: 'return' },
      { purpose: 'magic-link', delivery: 'return', decoy: true },
    ];
    const answers: Answer[] = [];
    for (let round = 0; round < 2; round++) {
      for (const kind of kinds) answers.push(await service.mint({ recipient, ...kind }));
      clock.advance(60);
    }
    expect(count(answers, 201)).toBe(10);
    for (const kind of kinds) expectProblem(await service.mint({ recipient, ...kind }), 'rate_limited');
    const limited = await service.mint({ recipient });
    expect(Number(limited.headers.get('retry-after'))).toBe(3_600 - 120);
    clock.advance(3_600 - 121);
    expectProblem(await service.mint({ recipient, delivery: 'return' }), 'rate_limited');
    clock.advance(1);
    expect((await service.mint({ recipient, delivery: 'return' })).status).toBe(201);
  });

  test('thirty mints a day reach one recipient', async () => {
    const recipient = newRecipient();
    const begin = clock.time;
    for (let hour = 0; hour < 3; hour++) {
      expect(count(await many(10, () => service.mint({ recipient, delivery: 'return' })), 201)).toBe(10);
      clock.advance(3_600);
    }
    const limited = await service.mint({ recipient, delivery: 'return' });
    expectProblem(limited, 'rate_limited');
    expect(Number(limited.headers.get('retry-after'))).toBe((begin + 86_400_000 - clock.time) / 1000);
    clock.advance(86_400 - 3 * 3_600);
    expect((await service.mint({ recipient, delivery: 'return' })).status).toBe(201);
  });

  test('plus-tags and capitals are the same recipient to a limit, and other names are not', async () => {
    const [name] = newRecipient().split('@');
    const variants = [
      `${name}@example.com`,
      `${name}+a@example.com`,
      `${name!.toUpperCase()}@EXAMPLE.com`,
      `${name}+b+c@Example.Com`,
    ];
    expect(statuses([await service.mint({ recipient: variants[0] })])).toEqual([201]);
    for (const recipient of variants) expectProblem(await service.mint({ recipient }), 'rate_limited');
    expect((await service.mint({ recipient: `${name}.x@example.com` })).status).toBe(201);
  });

  test('another app has limits of its own', async () => {
    const recipient = newRecipient();
    const other = await addApp(service, 'limits-of-its-own');
    expect((await service.mint({ recipient })).status).toBe(201);
    expect((await other('POST', '/v1/links', mintBody({ recipient }))).status).toBe(201);
  });

  test.each([
    ['of one kind', () => ({})],
    ['with an Idempotency-Key each', (index: number) => ({ 'idempotency-key': `racer-${index}-${clock.time}` })],
  ])('of thirty mints at the same instant %s, ten get through', async (_what, headers) => {
    const recipient = newRecipient();
    const answers = await many(30, (index) => service.mint({ recipient, delivery: 'return' }, headers(index) as never));
    expect([count(answers, 201), count(answers, 429)]).toEqual([10, 20]);
  });

  test('of ten mails at the same instant one gets through', async () => {
    const recipient = newRecipient();
    // Others keep the database busy, so that the ten meet in its queue.
    const others = many(20, () => service.mintReturned());
    const answers = await many(10, (index) =>
      service.mint({ recipient }, { 'idempotency-key': `mail-${index}-${clock.time}` }),
    );
    await others;
    expect([count(answers, 201), count(answers, 429)]).toEqual([1, 9]);
    await mailTo(recipient);
    expect(mailsTo(recipient)).toHaveLength(1);
  });

  test('a refused mint uses nothing up and puts no earlier link out of use', async () => {
    const recipient = newRecipient();
    const first = (await service.mint({ recipient, subject: 'limited-subject' })).body;
    expectProblem(await service.mint({ recipient, subject: 'limited-subject' }), 'rate_limited');
    expect((await service.api('GET', `/v1/links/${first.id}`)).body.status).toBe('active');
  });
});

describe('a newer link', () => {
  test.each([
    ['password-reset', 'superseded'],
    ['magic-link', 'superseded'],
    ['email-verification', 'active'],
  ])('of %s leaves the older one %s', async (purpose, status) => {
    const subject = `again-${purpose}`;
    const older = await service.mintReturned({ purpose, subject });
    const newer = await service.mintReturned({ purpose, subject });
    expect((await service.api('GET', `/v1/links/${older.id}`)).body.status).toBe(status);
    const redeemed = await service.api('POST', '/v1/links/redeem', { token: older.token, purpose });
    if (status === 'superseded') expectProblem(redeemed, 'link_superseded');
    else expect(redeemed.status).toBe(200);
    expect((await service.api('POST', '/v1/links/redeem', { token: newer.token, purpose })).status).toBe(200);
  });

  test('of another subject, purpose or app changes nothing', async () => {
    const older = await service.mintReturned({ subject: 'steady' });
    await service.mintReturned({ subject: 'steady-2' });
    await service.mintReturned({ subject: 'steady', purpose: 'magic-link' });
    const other = await addApp(service, 'supersedes-nobody');
    await other('POST', '/v1/links', mintBody({ subject: 'steady' }));
    expect((await service.api('GET', `/v1/links/${older.id}`)).body.status).toBe('active');
  });

  test('of any number at the same instant is exactly one', async () => {
    const links = await many(20, () => service.mintReturned({ subject: 'crowd' }));
    const answers = await Promise.all(
      links.map(({ token }) => service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' })),
    );
    expect([count(answers, 200), count(answers, 410)]).toEqual([1, 19]);
  });
});

describe('with an Idempotency-Key', () => {
  const key = (name: string) => ({ 'idempotency-key': name });

  test('the same body gets the first answer again, to the byte, also after the mail has left', async () => {
    const body = mintBody({ data: { b: 1, a: 2 } });
    const first = await service.api('POST', '/v1/links', body, key('again'));
    await mailTo(body.recipient as string);
    await eventually(
      async () => (await service.api('GET', `/v1/links/${first.body.id}`)).body.delivery.status === 'sent',
    );
    clock.advance(5);
    const second = await service.api('POST', '/v1/links', body, key('again'));
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    await service.api('POST', `/v1/links/${first.body.id}/revoke`);
    expect((await service.api('POST', '/v1/links', body, key('again'))).text).toBe(first.text);
    expect(mailsTo(body.recipient as string)).toHaveLength(1);
  });

  test('a returned link is returned again with the same URL and token', async () => {
    const body = mintBody({ delivery: 'return' });
    const first = await service.api('POST', '/v1/links', body, key('returned'));
    clock.advance(5);
    expect((await service.api('POST', '/v1/links', body, key('returned'))).text).toBe(first.text);
  });

  test('another body is an idempotency_mismatch and mints nothing', async () => {
    const body = mintBody();
    await service.api('POST', '/v1/links', body, key('other-body'));
    const others = [
      { ...body, subject: 'another' },
      { ...body, data: { a: 1 } },
      { ...body, delivery: 'return' },
    ];
    for (const other of others)
      expectProblem(await service.api('POST', '/v1/links', other, key('other-body')), 'idempotency_mismatch');
    expect((await service.api('GET', '/v1/links?subject=another')).body.items).toEqual([]);
  });

  test('fifty at the same instant mint one link and send one mail', async () => {
    const body = mintBody();
    const answers = await many(50, () => service.api('POST', '/v1/links', body, key('fifty')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(count(answers, 201)).toBe(50);
    await mailTo(body.recipient as string);
    expect((await service.api('GET', `/v1/links?subject=${String(body.subject)}`)).body.items).toHaveLength(1);
    expect(mailsTo(body.recipient as string)).toHaveLength(1);
  });

  test('fifty different bodies at the same instant mint one link', async () => {
    const answers = await many(50, () => service.mint({}, key('fifty-bodies')));
    expect([count(answers, 201), count(answers, 422)]).toEqual([1, 49]);
  });

  test('a refused mint does not keep the key', async () => {
    const body = mintBody({ recipient: 'not one' });
    expectProblem(await service.api('POST', '/v1/links', body, key('refused-first')), 'request_invalid');
    expect((await service.mint({}, key('refused-first'))).status).toBe(201);
  });

  test('the key of another app is another key', async () => {
    const other = await addApp(service, 'keys-of-its-own');
    const body = mintBody();
    const first = await service.api('POST', '/v1/links', body, key('shared'));
    const second = await other('POST', '/v1/links', { ...body, subject: 'else' }, key('shared'));
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
  });

  test('the key is kept for 24 hours and is free again after them', async () => {
    const body = mintBody();
    const first = await service.api('POST', '/v1/links', body, key('a-day'));
    clock.advance(86_399);
    expect((await service.api('POST', '/v1/links', body, key('a-day'))).text).toBe(first.text);
    clock.advance(2);
    const later = await service.api('POST', '/v1/links', { ...body, data: { a: 1 } }, key('a-day'));
    expect(later.status).toBe(201);
    expect(later.body.id).not.toBe(first.body.id);
  });
});

describe('a decoy', () => {
  test('is answered as a link is, and nothing is mailed', async () => {
    const real = await service.mint({});
    const decoy = await service.mint({ decoy: true });
    expect(decoy.status).toBe(201);
    const shape = (value: object): unknown =>
      Object.entries(value).map(([name, member]) => [
        name,
        typeof member,
        member !== null && typeof member === 'object' ? shape(member) : null,
      ]);
    expect(shape(decoy.body)).toEqual(shape(real.body));
    expect(decoy.body.status).toBe('active');
    expect([...decoy.headers.keys()]).toEqual([...real.headers.keys()]);
    await mailTo(real.body.recipient);
    expect(mailsTo(decoy.body.recipient)).toEqual([]);
  });

  test('can never be inspected or redeemed', async () => {
    const { token } = await service.mintReturned({ decoy: true });
    expectProblem(
      await service.api('POST', '/v1/links/inspect', { token, purpose: 'password-reset' }),
      'token_invalid',
    );
    expectProblem(await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' }), 'token_invalid');
  });

  test('does not put a real link out of use', async () => {
    const { id } = await service.mintReturned({ subject: 'has-a-link' });
    await service.mint({ subject: 'has-a-link', decoy: true });
    expect((await service.api('GET', `/v1/links/${id}`)).body.status).toBe('active');
  });

  test('meets the same limits as a link', async () => {
    const courses = [];
    for (const decoy of [false, true]) {
      const recipient = newRecipient();
      const answers: Answer[] = [];
      for (const seconds of [10, 20, 1, 30]) {
        answers.push(await service.mint({ recipient, decoy }));
        clock.advance(seconds);
      }
      courses.push(answers.map(({ status, headers }) => `${status} ${headers.get('retry-after')}`));
    }
    expect(courses[1]).toEqual(courses[0]);
    expect(courses[0]).toEqual(['201 null', '429 20', '201 null', '429 29']);
  });

  test('is resent as a link is: with the same answers in the same cool-down', async () => {
    const courses = [];
    for (const decoy of [false, true]) {
      const { id, recipient } = (await service.mint({ decoy })).body;
      if (!decoy) await mailTo(recipient);
      const answers = [await service.api('POST', `/v1/links/${id}/resend`)];
      clock.advance(31);
      answers.push(
        await service.api('POST', `/v1/links/${id}/resend`),
        await service.api('POST', `/v1/links/${id}/resend`),
      );
      courses.push(statuses(answers));
    }
    expect(courses[1]).toEqual(courses[0]);
  });
});

test('the purposes are told with their policies', async () => {
  const { status, body } = await service.api('GET', '/v1/purposes');
  expect(status).toBe(200);
  const byName = Object.fromEntries(body.items.map((purpose: { name: string }) => [purpose.name, purpose]));
  const ofKind = (wanted: string) => body.items.filter(({ kind }: { kind: string }) => kind === wanted);
  const names = (items: { name: string }[]) => items.map(({ name }) => name).sort();
  expect(names(ofKind('link'))).toEqual(['email-verification', 'magic-link', 'password-reset']);
  expect(names(ofKind('notification'))).toEqual(['new-sign-in', 'password-changed']);
  expect(byName['password-reset']).toMatchObject({
    expiresIn: { default: 1_800 },
    reissue: 'supersede',
    redeemOn: 'app',
    codeLifetime: 300,
  });
  expect(byName['email-verification']).toMatchObject({
    expiresIn: { default: 86_400 },
    reissue: 'keep',
    redeemOn: 'page',
  });
});
