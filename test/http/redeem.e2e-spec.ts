import { createHash } from 'node:crypto';
import { addApp, type Caller } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { HandSetClock, eventually, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { Visitor, codeIn } from '../support/visitor.js';

const clock = new HandSetClock();
let service: TestService;
let other: Caller;
beforeAll(async () => {
  service = await startService({ clock, env: { REDIRECT_URIS: 'https://app.example/callback' } });
  other = await addApp(service, 'other');
});
afterAll(() => service.stop());

const PURPOSES = ['password-reset', 'magic-link', 'email-verification'];
const purpose = 'password-reset';
const redeem = (proof: object, headers?: Record<string, string>): Promise<Answer> =>
  service.api('POST', '/v1/links/redeem', { purpose, ...proof }, headers);
const inspect = (proof: object): Promise<Answer> => service.api('POST', '/v1/links/inspect', { purpose, ...proof });
const read = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body;
const count = (answers: Answer[], status: number) => answers.filter((answer) => answer.status === status).length;
const sentTo = (recipient: string) => service.inbox.list().filter(({ to }) => to === recipient);
const isSent = (id: string) => eventually(async () => (await read(id)).delivery.status === 'sent');
const s256 = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');
/** The code that the confirm page of a link hands over. */
const codeOf = async (link: { id: string; url: string }): Promise<string> =>
  codeIn(await new Visitor(service).confirm(link));

describe('a redemption', () => {
  test('answers with the used-up link and its data, and is remembered', async () => {
    const { id, token } = await service.mintReturned({ data: { cart: [1, 2] }, fingerprint: undefined });
    clock.advance(7);
    const { status, body, headers } = await redeem({ token });
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['link', 'sameBrowser']);
    const redeemedAt = new Date(clock.time).toISOString();
    expect(body.link).toMatchObject({ id, status: 'redeemed', redeemedAt, data: { cart: [1, 2] } });
    expect(body.link).toEqual(await read(id));
    expect(body.sameBrowser).toBeNull();
    for (const name of ['idempotency-replayed', 'set-cookie']) expect(headers.get(name)).toBeNull();
    expectProblem(await redeem({ token }), 'link_redeemed');
    expectProblem(await inspect({ token }), 'link_redeemed');
  });

  test('by code uses the link up for the token, and the other way round', async () => {
    const [one, two] = [await service.mintReturned(), await service.mintReturned()];
    const [codeOne, codeTwo] = [await codeOf(one), await codeOf(two)];
    expect((await redeem({ code: codeOne })).body.link.id).toBe(one.id);
    expectProblem(await redeem({ token: one.token }), 'link_redeemed');
    expectProblem(await redeem({ code: codeOne }), 'link_redeemed');
    expect((await redeem({ token: two.token })).body.link.id).toBe(two.id);
    expectProblem(await redeem({ code: codeTwo }), 'link_redeemed');
  });

  test('takes no code for a token and no token for a code', async () => {
    const link = await service.mintReturned();
    const code = await codeOf(link);
    expectProblem(await redeem({ token: code }), 'token_invalid');
    expectProblem(await redeem({ code: link.token }), 'token_invalid');
    expect((await redeem({ code })).status).toBe(200);
  });
});

describe('an inspection', () => {
  test('tells what is there and changes nothing, however often', async () => {
    const { id, token } = await service.mintReturned();
    const before = await read(id);
    for (let time = 0; time < 20; time++) {
      const { status, body } = await inspect({ token });
      expect([status, body]).toEqual([200, { link: before }]);
    }
    expect(await read(id)).toEqual(before);
    expect((await redeem({ token })).status).toBe(200);
  });

  test('gives the problem that redeeming would give', async () => {
    const expiring = await service.mintReturned({ expiresIn: 10 });
    const bound = await service.mintReturned({ fingerprint: 'v1', codeChallenge: s256('secret') });
    const revoked = await service.mintReturned();
    await service.api('POST', `/v1/links/${revoked.id}/revoke`);
    clock.advance(10);
    expectProblem(await inspect({ token: expiring.token }), 'link_expired');
    expectProblem(await inspect({ token: revoked.token }), 'link_revoked');
    for (const token of ['x.y.z', 'x'.repeat(2_049), 'x'.repeat(60_000)])
      expectProblem(await inspect({ token }), 'token_invalid');
    expectProblem(await inspect({ token: bound.token, fingerprint: 'v2' }), 'fingerprint_mismatch');
    expectProblem(await inspect({ token: bound.token, fingerprint: 'v1', codeVerifier: 'guess' }), 'binding_mismatch');
    expect((await inspect({ token: bound.token, fingerprint: 'v1', codeVerifier: 'secret' })).status).toBe(200);
  });
});

test('an inspection without the fingerprint leaves it unjudged, so that an app can learn whose link it holds', async () => {
  const { token } = await service.mintReturned({ fingerprint: 'v1' });
  expectProblem(await redeem({ token }), 'fingerprint_mismatch');
  expect((await inspect({ token })).body.link.status).toBe('active');
});

describe('the order of judgement', () => {
  const spoil: Record<string, (link: { id: string }) => unknown> = {
    link_revoked: ({ id }) => service.api('POST', `/v1/links/${id}/revoke`),
    link_expired: () => clock.advance(60),
  };

  test.each(Object.keys(spoil))(
    'an unauthentic, foreign or misused token is token_invalid before it is %s',
    async (code) => {
      const link = await service.mintReturned({ expiresIn: 60 });
      await spoil[code]!(link);
      const forged = `${link.token.slice(0, -8)}AAAAAAAA`;
      expectProblem(await redeem({ token: forged }), 'token_invalid');
      expectProblem(await other('POST', '/v1/links/redeem', { token: link.token, purpose }), 'token_invalid');
      expectProblem(await redeem({ token: link.token, purpose: 'magic-link' }), 'token_invalid');
      expectProblem(await redeem({ token: link.token }), code as 'link_revoked');
    },
  );

  test('a link that has ended is told before a wrong fingerprint, and that before a wrong verifier', async () => {
    const { id, token } = await service.mintReturned({ fingerprint: 'v1', codeChallenge: s256('secret') });
    expectProblem(await redeem({ token, fingerprint: 'v2', codeVerifier: 'guess' }), 'fingerprint_mismatch');
    expectProblem(await redeem({ token, codeVerifier: 'guess' }), 'fingerprint_mismatch');
    expectProblem(await redeem({ token, fingerprint: 'v1', codeVerifier: 'guess' }), 'binding_mismatch');
    await service.api('POST', `/v1/links/${id}/revoke`);
    expectProblem(await redeem({ token, fingerprint: 'v2', codeVerifier: 'guess' }), 'link_revoked');
  });

  test('no refusal uses the link up', async () => {
    const { token } = await service.mintReturned({ fingerprint: 'v1', codeChallenge: s256('secret') });
    await redeem({ token, purpose: 'magic-link', fingerprint: 'v1' });
    await other('POST', '/v1/links/redeem', { token, purpose, fingerprint: 'v1' });
    await redeem({ token });
    await redeem({ token, fingerprint: 'v2' });
    await redeem({ token, fingerprint: 'v1', codeVerifier: 'guess' });
    await redeem({ token, fingerprint: 'v1', unknown: true });
    await redeem({ token, fingerprint: 'v1' }, { 'idempotency-key': 'not valid' });
    expect((await redeem({ token, fingerprint: 'v1', codeVerifier: 'secret' })).status).toBe(200);
  });
});

describe('a token or code of', () => {
  const pairs = PURPOSES.flatMap((minted) =>
    PURPOSES.filter((asked) => asked !== minted).map((asked) => [minted, asked]),
  );
  test.each(pairs)('%s is not one of %s', async (minted, asked) => {
    const link = await service.mintReturned({ purpose: minted });
    // Where the page itself redeems, the code is only good for inspecting.
    const code = minted === 'email-verification' ? undefined : await codeOf(link);
    for (const proof of [{ token: link.token }, ...(code ? [{ code }] : [])]) {
      expectProblem(await redeem({ ...proof, purpose: asked }), 'token_invalid');
      expectProblem(await inspect({ ...proof, purpose: asked }), 'token_invalid');
    }
    expect((await redeem({ token: link.token, purpose: minted })).status).toBe(200);
  });

  test('one app is not one of another', async () => {
    const link = await service.mintReturned();
    const code = await codeOf(link);
    for (const proof of [{ token: link.token }, { code }]) {
      expectProblem(await other('POST', '/v1/links/redeem', { ...proof, purpose }), 'token_invalid');
      expectProblem(await other('POST', '/v1/links/inspect', { ...proof, purpose }), 'token_invalid');
    }
    expect((await redeem({ code })).status).toBe(200);
  });
});

describe('a token that is not exactly ours', () => {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const decode = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());

  test.each<[string, (header: string, payload: string, signature: string) => string]>([
    ['without a signature', (h, p) => `${h}.${p}.`],
    ['with alg none', (h, p) => `${encode({ ...decode(h), alg: 'none' })}.${p}.`],
    ['with alg none and a signature', (h, p, s) => `${encode({ ...decode(h), alg: 'none' })}.${p}.${s}`],
    ['with another alg', (h, p, s) => `${encode({ ...decode(h), alg: 'HS512' })}.${p}.${s}`],
    ['with another kid', (h, p, s) => `${encode({ ...decode(h), kid: '../../dev/null' })}.${p}.${s}`],
    ['with crit', (h, p, s) => `${encode({ ...decode(h), crit: ['x'], x: 1 })}.${p}.${s}`],
    ['with another subject', (h, p, s) => `${h}.${encode({ ...decode(p), sub: 'admin' })}.${s}`],
    ['with a longer life', (h, p, s) => `${h}.${encode({ ...decode(p), exp: 9e9 })}.${s}`],
    ['with padding', (h, p, s) => `${h}.${p}.${s}=`],
    ['with space around it', (h, p, s) => ` ${h}.${p}.${s}`],
    ['with a line break', (h, p, s) => `${h}.${p}.${s}\n`],
    ['with a fourth part', (h, p, s) => `${h}.${p}.${s}.${s}`],
    ['with two parts', (h, p) => `${h}.${p}`],
    ['with a payload that is no JSON', (h, _p, s) => `${h}.${encode('{')}.${s}`],
    ['with a payload that is an array', (h, _p, s) => `${h}.${encode([])}.${s}`],
    ['of 4,000 characters', (h, p, s) => `${h}.${p}${'A'.repeat(3_600)}.${s}`],
    [
      'with the unused bits of its last character set',
      (h, p, s) => `${h}.${p}.${s.slice(0, -1)}${flipUnusedBits(s.at(-1)!)}`,
    ],
  ])('%s is token_invalid, and the token stays good', async (_what, change) => {
    const { token } = await service.mintReturned();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const changed = change(header, payload, signature);
    expect(changed).not.toBe(token);
    expectProblem(await redeem({ token: changed }), 'token_invalid');
    expectProblem(await inspect({ token: changed }), 'token_invalid');
    expect((await redeem({ token })).status).toBe(200);
  });

  test('is answered and not throttled, when the caller has a good key', async () => {
    const answers = await Promise.all(
      Array.from({ length: 150 }, (_value, index) => redeem({ token: `a.b.${index}` })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
  });

  /** A 32-byte signature ends in a character whose two lowest bits decode to nothing. */
  function flipUnusedBits(character: string): string {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return digits[digits.indexOf(character) ^ 1]!;
  }
});

describe('a fingerprint', () => {
  test('must be the one of the mint; a link without one does not ask', async () => {
    const bound = await service.mintReturned({ fingerprint: 'hash-version-1' });
    expectProblem(await redeem({ token: bound.token }), 'fingerprint_mismatch');
    expectProblem(await redeem({ token: bound.token, fingerprint: 'hash-version-2' }), 'fingerprint_mismatch');
    expect((await redeem({ token: bound.token, fingerprint: 'hash-version-1' })).status).toBe(200);
    const free = await service.mintReturned();
    expect((await redeem({ token: free.token, fingerprint: 'whatever' })).status).toBe(200);
  });

  test('never comes back and is not in the token', async () => {
    const minted = await service.mint({ delivery: 'return', fingerprint: 'state-of-the-account' });
    const payload = Buffer.from(minted.body.token.split('.')[1], 'base64url').toString();
    expect(minted.text + payload).not.toContain('state-of-the-account');
  });
});

describe('sameBrowser', () => {
  const verifier = 'a-secret-of-the-browser-that-asked';
  test.each([
    ['true for the verifier', { codeVerifier: verifier }, true],
    ['false without the verifier', {}, false],
  ])('is %s', async (_what, proof, sameBrowser) => {
    const { token } = await service.mintReturned({ codeChallenge: s256(verifier) });
    expect((await redeem({ token, ...proof })).body.sameBrowser).toBe(sameBrowser);
  });
  test('is null if nothing was asked, with a verifier or without', async () => {
    const [one, two] = [await service.mintReturned(), await service.mintReturned()];
    expect((await redeem({ token: one.token })).body.sameBrowser).toBeNull();
    expect((await redeem({ token: two.token, codeVerifier: verifier })).body.sameBrowser).toBeNull();
  });
  test('is no verdict for a wrong verifier: that is binding_mismatch, by token and code, and the link stays good', async () => {
    const link = await service.mintReturned({ codeChallenge: s256(verifier) });
    const code = await codeOf(link);
    expectProblem(await redeem({ token: link.token, codeVerifier: 'guess' }), 'binding_mismatch');
    expectProblem(await redeem({ code, codeVerifier: s256(verifier) }), 'binding_mismatch');
    expect((await read(link.id)).status).toBe('active');
    expect((await redeem({ code, codeVerifier: verifier })).body.sameBrowser).toBe(true);
  });
});

describe('with an Idempotency-Key', () => {
  const key = (name: string) => ({ 'idempotency-key': name });

  test('the caller that won gets its answer again, marked as such; all others get link_redeemed', async () => {
    const { token } = await service.mintReturned({ codeChallenge: s256('secret') });
    const first = await redeem({ token, codeVerifier: 'secret' }, key('winner'));
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null]);
    clock.advance(60);
    for (let time = 0; time < 3; time++) {
      const again = await redeem({ token, codeVerifier: 'secret' }, key('winner'));
      expect([again.status, again.body]).toEqual([200, first.body]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
    expectProblem(await redeem({ token }), 'link_redeemed');
    expectProblem(await redeem({ token }, key('somebody-else')), 'link_redeemed');
  });

  test('the winner is answered for 24 hours, also when the link itself has long expired, and not later', async () => {
    const { token } = await service.mintReturned({ expiresIn: 60 });
    expect((await redeem({ token }, key('a-day'))).status).toBe(200);
    clock.advance(86_399);
    expect((await redeem({ token }, key('a-day'))).headers.get('idempotency-replayed')).toBe('true');
    clock.advance(2);
    expectProblem(await redeem({ token }, key('a-day')), 'link_redeemed');
  });

  test('a redemption without a key is nobody else’s to repeat', async () => {
    const { token } = await service.mintReturned();
    await redeem({ token });
    expectProblem(await redeem({ token }, key('too-late')), 'link_redeemed');
  });

  test('a refusal is not kept: the same key redeems once the reason is gone', async () => {
    const { token } = await service.mintReturned({ fingerprint: 'v1' });
    expectProblem(await redeem({ token, fingerprint: 'v2' }, key('corrected')), 'fingerprint_mismatch');
    expect((await redeem({ token, fingerprint: 'v1' }, key('corrected'))).status).toBe(200);
  });

  test('fifty retries at the same instant are one win and forty-nine repetitions', async () => {
    const { token } = await service.mintReturned();
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem({ token }, key('fifty'))));
    expect(count(answers, 200)).toBe(50);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(49);
  });
});

describe('of any number of redemptions at the same instant', () => {
  test('one of a hundred wins, and ninety-nine are told link_redeemed', async () => {
    const { token } = await service.mintReturned();
    const answers = await Promise.all(Array.from({ length: 100 }, () => redeem({ token })));
    expect(count(answers, 200)).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) expectProblem(answer, 'link_redeemed');
  });

  test('one of twelve wins, for each of two hundred links', async () => {
    const links = await Promise.all(Array.from({ length: 200 }, () => service.mintReturned()));
    const wins: number[] = [];
    const losses: string[] = [];
    for (let from = 0; from < links.length; from += 20) {
      const races = links.slice(from, from + 20).map(async ({ token }) => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => redeem({ token })));
        wins.push(count(answers, 200));
        losses.push(...answers.filter(({ status }) => status !== 200).map(({ body }) => body.code));
      });
      await Promise.all(races);
    }
    expect(wins).toEqual(Array(200).fill(1));
    expect(losses).toEqual(Array(2_200).fill('link_redeemed'));
  });

  test('one of token, code and the button wins', async () => {
    const link = await service.mintReturned({
      purpose: 'email-verification',
      redirectUri: 'https://app.example/callback',
    });
    const visitor = new Visitor(service);
    await visitor.open(link.url);
    const byToken = () => redeem({ token: link.token, purpose: 'email-verification' });
    const answers = await Promise.all([byToken(), visitor.press(link.id), byToken(), byToken()]);
    expect(answers.filter(({ status }) => status === 200 || status === 303)).toHaveLength(1);
  });

  test('a redemption and a revocation never both succeed', async () => {
    const links = await Promise.all(Array.from({ length: 20 }, () => service.mintReturned()));
    for (const { id, token } of links) {
      const [redeemed, revoked] = await Promise.all([redeem({ token }), service.api('POST', `/v1/links/${id}/revoke`)]);
      expect((await read(id)).status).toBe(redeemed.status === 200 ? 'redeemed' : 'revoked');
      expect(revoked.status).toBe(200);
    }
  });
});

describe('revoking', () => {
  test('withdraws a link, and twice is the same as once', async () => {
    const { id, token } = await service.mintReturned();
    const first = await service.api('POST', `/v1/links/${id}/revoke`);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ id, status: 'revoked', revokedAt: new Date(clock.time).toISOString() });
    clock.advance(5);
    const second = await service.api('POST', `/v1/links/${id}/revoke`, {});
    expect([second.status, second.body]).toEqual([200, first.body]);
    expectProblem(await redeem({ token }), 'link_revoked');
  });

  test('a used link leaves it used', async () => {
    const { id, token } = await service.mintReturned();
    await redeem({ token });
    const { status, body } = await service.api('POST', `/v1/links/${id}/revoke`);
    expect([status, body.status, body.revokedAt]).toEqual([200, 'redeemed', null]);
  });

  test('makes the code that is already under way useless', async () => {
    const link = await service.mintReturned();
    const code = await codeOf(link);
    await service.api('POST', `/v1/links/${link.id}/revoke`);
    expectProblem(await redeem({ code }), 'link_revoked');
  });

  const revokeAll = async (body: object) => (await service.api('POST', '/v1/links/revoke', body)).body;

  test('by subject withdraws every open link of the subject, once, and no other', async () => {
    const verification = { purpose: 'email-verification', subject: 'leaver' };
    const links = [
      await service.mintReturned(verification),
      await service.mintReturned(verification),
      await service.mintReturned({ subject: 'leaver' }),
    ];
    const used = await service.mintReturned(verification);
    await redeem({ token: used.token, purpose: 'email-verification' });
    const stays = await service.mintReturned({ subject: 'stayer' });
    expect(await revokeAll({ subject: 'leaver', purpose: 'email-verification' })).toEqual({ revoked: 2 });
    expect(await revokeAll({ subject: 'leaver' })).toEqual({ revoked: 1 });
    expect(await revokeAll({ subject: 'leaver' })).toEqual({ revoked: 0 });
    for (const { id } of links) expect((await read(id)).status).toBe('revoked');
    expect((await read(used.id)).status).toBe('redeemed');
    expect((await read(stays.id)).status).toBe('active');
  });

  test('by recipient, alone or together with the subject', async () => {
    const recipient = 'leaver@example.com';
    const make = (subject: string) => service.mintReturned({ recipient, subject, purpose: 'email-verification' });
    await Promise.all([make('leaver-1'), make('leaver-1'), make('leaver-2')]);
    expect(await revokeAll({ recipient, subject: 'leaver-2' })).toEqual({ revoked: 1 });
    expect(await revokeAll({ recipient: 'leaver@EXAMPLE.com' })).toEqual({ revoked: 2 });
  });

  test('reaches no link of another app', async () => {
    const { body } = await other('POST', '/v1/links', mintBody({ subject: 'two-apps', delivery: 'return' }));
    expect(await revokeAll({ subject: 'two-apps' })).toEqual({ revoked: 0 });
    expect((await other('POST', '/v1/links/redeem', { token: body.token, purpose })).status).toBe(200);
  });
});

describe('resending', () => {
  const mail = async (body: object = {}) => {
    const link = (await service.mint(body)).body;
    await isSent(link.id);
    return link;
  };
  const resend = (id: string) => service.api('POST', `/v1/links/${id}/resend`);
  const tokenOf = (raw: Buffer) => {
    const text = raw.toString().replaceAll('=\r\n', '').replaceAll('=3D', '=');
    return /\/l\/([\w-]+\.[\w-]+\.[\w-]+)/.exec(text)![1]!;
  };

  test('mails the same link again: the same id in a token that works', async () => {
    const link = await mail();
    clock.advance(31);
    const answer = await resend(link.id);
    expect([answer.status, answer.body.id]).toEqual([202, link.id]);
    const mails = await eventually(() => sentTo(link.recipient).length === 2 && sentTo(link.recipient));
    const tokens = mails.map(({ raw }) => tokenOf(raw));
    const ids = tokens.map((token) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).jti);
    expect(ids).toEqual([link.id, link.id]);
    expect((await redeem({ token: tokens[0] })).status).toBe(200);
    expectProblem(await redeem({ token: tokens[1] }), 'link_redeemed');
  });

  test('waits for the cool-down, and Retry-After says how long exactly', async () => {
    const link = await mail();
    clock.advance(10);
    const early = await resend(link.id);
    expectProblem(early, 'rate_limited');
    expect(early.headers.get('retry-after')).toBe('20');
    clock.advance(20);
    expect((await resend(link.id)).status).toBe(202);
    await eventually(() => sentTo(link.recipient).length === 2);
    expectProblem(await resend(link.id), 'rate_limited');
  });

  test('counts towards what a recipient may get in an hour', async () => {
    const link = await mail({ expiresIn: 7_200 });
    for (let mails = 2; mails <= 10; mails++) {
      clock.advance(31);
      expect((await resend(link.id)).status).toBe(202);
      await eventually(() => sentTo(link.recipient).length === mails);
      await isSent(link.id);
    }
    clock.advance(31);
    expectProblem(await resend(link.id), 'rate_limited');
  });

  test('a link that has ended is refused as its redemption would be', async () => {
    const used = await mail();
    const token = tokenOf(sentTo(used.recipient)[0]!.raw);
    await redeem({ token });
    const revoked = await mail();
    await service.api('POST', `/v1/links/${revoked.id}/revoke`);
    const superseded = await mail({ subject: 'resent' });
    await service.mintReturned({ subject: 'resent' });
    const expired = await mail({ expiresIn: 60 });
    clock.advance(61);
    expectProblem(await resend(used.id), 'link_redeemed');
    expectProblem(await resend(revoked.id), 'link_revoked');
    expectProblem(await resend(superseded.id), 'link_superseded');
    expectProblem(await resend(expired.id), 'link_expired');
    expect((await read(expired.id)).status).toBe('expired');
  });

  test('a returned link is refused: nobody may mail it behind the caller’s back', async () => {
    const { id, recipient } = (await service.mint({ delivery: 'return' })).body;
    clock.advance(31);
    expectProblem(await resend(id), 'request_invalid');
    expect(sentTo(recipient)).toEqual([]);
  });
});

describe('listing', () => {
  const list = async (query: string) => (await service.api('GET', `/v1/links?${query}`)).body;
  const idsOf = (items: { id: string }[]) => items.map(({ id }) => id);

  test('finds by subject, recipient, purpose and status, newest first', async () => {
    const subject = 'lister';
    const recipient = 'lister@example.com';
    const make = (body: object) => service.mintReturned({ subject, ...body });
    const reset = await make({ recipient });
    const login = await make({ recipient, purpose: 'magic-link' });
    const check = await make({ purpose: 'email-verification' });
    const brief = await make({ purpose: 'email-verification', expiresIn: 1 });
    const newest = await make({ purpose: 'magic-link' });
    await redeem({ token: check.token, purpose: 'email-verification' });
    await service.api('POST', `/v1/links/${reset.id}/revoke`);
    clock.advance(2);
    const found = async (query: string) => idsOf((await list(`subject=${subject}&${query}`)).items);
    expect(await found('')).toEqual([newest, brief, check, login, reset].map(({ id }) => id));
    expect(await found(`recipient=${recipient}`)).toEqual([login.id, reset.id]);
    expect(await found('purpose=magic-link')).toEqual([newest.id, login.id]);
    expect(await found('status=active')).toEqual([newest.id]);
    expect(await found('status=redeemed')).toEqual([check.id]);
    expect(await found('status=expired')).toEqual([brief.id]);
    expect(await found('status=revoked')).toEqual([reset.id]);
    expect(await found('status=superseded')).toEqual([login.id]);
    expect(await found('status=active&purpose=password-reset')).toEqual([]);
    expect(idsOf((await list(`recipient=lister%40EXAMPLE.com`)).items)).toEqual([login.id, reset.id]);
  });

  test('comes in pages that hold every link once, also while new ones are minted', async () => {
    const subject = 'pager';
    const minted: string[] = [];
    for (let link = 0; link < 7; link++) minted.push((await service.mintReturned({ subject })).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: { id: string }[]; nextCursor: string | null } = await list(
        `subject=${subject}&limit=3${cursor ? `&cursor=${cursor}` : ''}`,
      );
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...idsOf(page.items));
      cursor = page.nextCursor;
      await service.mintReturned({ subject });
    } while (cursor !== null);
    expect(seen).toEqual([...minted].reverse());
  });

  test('has no next page when the last one is exactly full', async () => {
    for (let link = 0; link < 2; link++) await service.mintReturned({ subject: 'exact' });
    expect((await list('subject=exact&limit=2')).nextCursor).toBeNull();
    expect(await list('subject=nobody-at-all')).toEqual({ items: [], nextCursor: null });
  });
});

test('a link of another app is not found on any route', async () => {
  const minted = await other('POST', '/v1/links', mintBody({ subject: 'theirs', recipient: 'theirs@example.com' }));
  const { id } = minted.body;
  expectProblem(await service.api('GET', `/v1/links/${id}`), 'not_found');
  expectProblem(await service.api('POST', `/v1/links/${id}/revoke`), 'not_found');
  expectProblem(await service.api('POST', `/v1/links/${id}/resend`), 'not_found');
  for (const query of ['subject=theirs', 'recipient=theirs%40example.com']) {
    expect((await service.api('GET', `/v1/links?${query}`)).body.items).toEqual([]);
  }
  expect((await other('GET', `/v1/links/${id}`)).body.status).toBe('active');
});
