import type { App } from '../../src/apps/app.js';
import { challengeOf } from '../../src/links/digest.js';
import { Unavailable } from '../../src/links/errors.js';
import { draftRenewal } from '../../src/links/draft.js';
import { APP, openDomain, OTHER_APP, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain(
    purposeOf('password-reset'),
    purposeOf('email-verification', { reissue: 'keep', redeemOn: 'page' }),
    purposeOf('bound', { binding: 'required' }),
    purposeOf('app-page', { landing: 'app' }),
    purposeOf('mail-code', { oneTimeCode: 'mail' }),
    purposeOf('mail-code-here', { oneTimeCode: 'mail', binding: 'required' }),
    purposeOf('screen-code', { oneTimeCode: 'screen', binding: 'required' }),
    purposeOf('quiet', {
      pauseAfterReport: 0,
      limits: { cooldown: 30, perRecipient: [], perSubject: [], perClient: [] },
    }),
  );
});
beforeEach(() => domain.reset());
afterAll(() => domain.close());
const redeem = (token: string, more: object = {}, key?: string) =>
  domain.links.redeem(APP, { token, purpose: 'password-reset', ...more }, key);
const inspect = (token: string, more: object = {}) =>
  domain.links.inspect(APP, { token, purpose: 'password-reset', ...more });

describe('minting', () => {
  test('a mailed link is queued, and nobody is shown its token', async () => {
    const minted = await domain.mint('password-reset');
    expect(minted).toEqual({ link: expect.objectContaining({ via: 'email', createdAt: START }), replayed: false });
    expect(await domain.store.find('shop', minted.link.id)).toEqual(minted.link);
    expect(domain.queued()).toBe(1);
  });

  test('a returned link is shown this once, and is no mail', async () => {
    const { link, url, token, oneTimeCode } = await domain.mint('password-reset', { delivery: 'return' });
    expect(url).toBe(`https://links.example.com/l/${token}`);
    expect(domain.tokens.readLink(token!)).toMatchObject({ id: link.id, app: 'shop' });
    expect([oneTimeCode, domain.queued()]).toEqual([undefined, 0]);
  });

  test('a decoy wakes the courier as any link does', async () => {
    const { link, url } = await domain.mint('password-reset', { decoy: true });
    expect([link.delivery.status, url, domain.queued()]).toEqual(['none', undefined, 1]);
  });

  test('a link to the page of the app leads there', async () => {
    const { url, token } = await domain.mint('app-page', { delivery: 'return' });
    expect(url).toBe(`https://shop.example.com/back?x=1&token=${token}`);
  });

  test.each([
    ['mail-code', 'email', false],
    ['mail-code', 'return', true],
    ['screen-code', 'email', true],
    ['screen-code', 'return', true],
    ['password-reset', 'return', false],
  ])('the one-time code of %s with delivery %s is shown: %s', async (purpose, delivery, shown) => {
    const challenge = purpose === 'screen-code' ? { codeChallenge: challengeOf('secret') } : {};
    const { link, oneTimeCode } = await domain.mint(purpose, { delivery, ...challenge });
    expect(oneTimeCode).toBe(shown ? domain.tokens.oneTimeCode(link.id) : undefined);
  });

  test('an unknown purpose is refused with those there are', async () => {
    await expect(domain.mint('unknown')).rejects.toMatchObject({
      errors: [
        {
          pointer: '/purpose',
          detail: expect.stringContaining('password-reset, email-verification, bound, app-page, mail-code'),
        },
      ],
    });
  });

  test('the same key and body get the first answer again, and another body none', async () => {
    const body = domain.body('password-reset');
    const first = await domain.links.mint(APP, body, 'key');
    await domain.links.revoke(APP, first.link.id);
    domain.clock.advance(86_399);
    expect(await domain.links.mint(APP, body, 'key')).toEqual({ ...first, replayed: true });
    expect(domain.queued()).toBe(1);
    expect(await refusalOf(domain.links.mint(APP, { ...body, subject: 'x' }, 'key'))).toBe('idempotency_mismatch');
    expect((await domain.links.mint(OTHER_APP, body, 'key')).replayed).toBe(false);
    expect((await domain.links.mint(APP, body, 'another')).replayed).toBe(false);
    domain.clock.advance(1);
    const next = await domain.links.mint(APP, body, 'key');
    expect([next.replayed, next.link.id === first.link.id]).toEqual([false, false]);
  });

  test('what a limit refuses says when it may be asked again, with an Idempotency-Key, too', async () => {
    const body = domain.body('quiet');
    await domain.links.mint(APP, body);
    domain.clock.advance(10);
    await expect(domain.links.mint(APP, body)).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 20 });
    await expect(domain.links.mint(APP, body, 'key')).rejects.toMatchObject({ code: 'rate_limited' });
    expect(domain.queued()).toBe(1);
  });

  test('a mail to somebody who gets none is not queued', async () => {
    const body = domain.body('password-reset');
    const { link } = await domain.links.mint(APP, body);
    await domain.messages.suppress({
      app: 'shop',
      recipientKey: link.recipientKey,
      purpose: '*',
      recipient: link.recipient!,
      reason: 'refused',
      createdAt: START,
      until: null,
    });
    const { delivery } = (await domain.links.mint(APP, body)).link;
    expect([delivery.status, delivery.dueAt, domain.queued()]).toEqual(['suppressed', null, 1]);
  });
});

describe('redeeming', () => {
  test('uses a link up', async () => {
    const { id, token } = await domain.mintToken('password-reset');
    const won = await redeem(token);
    expect(won).toEqual({
      link: expect.objectContaining({ id, redeemedAt: START }),
      sameBrowser: null,
      replayed: false,
    });
    expect(await refusalOf(redeem(token))).toBe('link_redeemed');
  });

  test('has one winner, who alone may ask again for a day', async () => {
    const { token } = await domain.mintToken('password-reset');
    await redeem(token, {}, 'key');
    domain.clock.advance(86_399);
    expect(await redeem(token, {}, 'key')).toMatchObject({ replayed: true, sameBrowser: null });
    expect(await refusalOf(redeem(token, {}, 'other'))).toBe('link_redeemed');
    expect(await refusalOf(redeem(token))).toBe('link_redeemed');
    domain.clock.advance(1);
    expect(await refusalOf(redeem(token, {}, 'key'))).toBe('link_redeemed');
  });

  test("another app's key of the same name is another key", async () => {
    const keyOf = async (app: App) => {
      const order = { purpose: 'password-reset', recipient: 'ann@example.com', subject: 'ann', delivery: 'return' };
      const { link, token } = await domain.links.mint(app, order);
      await domain.links.redeem(app, { token, purpose: 'password-reset' }, 'key');
      return (await domain.store.find(app.id, link.id))!.redeemKey;
    };
    const [ours, theirs] = [await keyOf(APP), await keyOf(OTHER_APP)];
    expect(ours).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(theirs).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(ours).not.toBe(theirs);
  });

  test("refuses another app's and another purpose's, and the link stays good", async () => {
    const { token } = await domain.mintToken('password-reset');
    expect(await refusalOf(domain.links.redeem(OTHER_APP, { token, purpose: 'password-reset' }))).toBe('token_invalid');
    expect(await refusalOf(redeem(token, { purpose: 'email-verification' }))).toBe('token_invalid');
    expect(await refusalOf(redeem(`${token}x`))).toBe('token_invalid');
    expect((await redeem(token)).replayed).toBe(false);
  });

  test('refuses what the signing key alone can make: a token of another purpose than the row is of', async () => {
    const { id } = await domain.mintToken('password-reset');
    const token = domain.tokens.mintLink({ ...(await domain.store.find('shop', id))!, purpose: 'bound' });
    for (const ask of [redeem, inspect])
      expect(await refusalOf(ask(token, { purpose: 'bound' }))).toBe('token_invalid');
  });

  test('refuses a decoy, and what has run out, and was withdrawn, and was superseded', async () => {
    const decoy = await domain.mintToken('password-reset', { decoy: true });
    expect(await refusalOf(redeem(decoy.token))).toBe('token_invalid');
    const [late, revoked, first] = [
      await domain.mintToken('password-reset', { expiresIn: 5 }),
      await domain.mintToken('password-reset'),
      await domain.mintToken('password-reset', { subject: 'ann' }),
    ];
    await domain.mintToken('password-reset', { subject: 'ann' });
    expect(await refusalOf(redeem(first.token))).toBe('link_superseded');
    await domain.links.revoke(APP, revoked.id);
    expect(await refusalOf(redeem(revoked.token))).toBe('link_revoked');
    domain.clock.advance(5);
    expect(await refusalOf(redeem(late.token))).toBe('link_expired');
  });

  test('needs the fingerprint it was minted for', async () => {
    const { token } = await domain.mintToken('password-reset', { fingerprint: 'v1' });
    expect(await refusalOf(redeem(token))).toBe('fingerprint_mismatch');
    expect(await refusalOf(redeem(token, { fingerprint: 'v2' }))).toBe('fingerprint_mismatch');
    expect((await redeem(token, { fingerprint: 'v1' })).replayed).toBe(false);
  });

  test('knows the fingerprint of a renewal by the link that the app minted', async () => {
    const { id } = await domain.mintToken('password-reset', { fingerprint: 'v1' });
    const first = (await domain.store.find('shop', id))!;
    const row = draftRenewal(first, domain.purposes.get('password-reset')!, { id: domain.ids.next(), now: START });
    await domain.store.insert(row, { quietSince: null, windows: [] });
    const token = domain.tokens.mintLink(row);
    expect(await refusalOf(redeem(token, { fingerprint: 'v2' }))).toBe('fingerprint_mismatch');
    expect(await refusalOf(inspect(token, { fingerprint: 'v2' }))).toBe('fingerprint_mismatch');
    expect((await inspect(token, { fingerprint: 'v1' })).id).toBe(row.id);
    expect((await inspect(token)).id).toBe(row.id);
    expect(await redeem(token, { fingerprint: 'v1' }, 'key')).toMatchObject({ replayed: false, link: { id: row.id } });
    expect(await redeem(token, { fingerprint: 'v1' }, 'key')).toMatchObject({ replayed: true });
    expect(await refusalOf(redeem(token, { fingerprint: 'v1' }))).toBe('link_redeemed');
  });

  test('an expired token of a renewal wins nothing, whatever its row says', async () => {
    const { id } = await domain.mintToken('password-reset', { fingerprint: 'v1' });
    const first = (await domain.store.find('shop', id))!;
    const row = draftRenewal(first, domain.purposes.get('password-reset')!, { id: domain.ids.next(), now: START });
    await domain.store.insert(row, { quietSince: null, windows: [] });
    const token = domain.tokens.mintLink({ ...row, expiresAt: START });
    expect(await refusalOf(redeem(token, { fingerprint: 'v1' }))).toBe('link_expired');
    const plain = await domain.mintToken('password-reset');
    const earlier = domain.tokens.mintLink({ ...(await domain.store.find('shop', plain.id))!, expiresAt: START });
    expect(await refusalOf(redeem(earlier))).toBe('link_expired');
    expect((await redeem(plain.token)).replayed).toBe(false);
  });

  test('tells whether it is the browser that asked, and may insist on it', async () => {
    const codeChallenge = challengeOf('secret');
    const tell = async (more: object) =>
      (await redeem((await domain.mintToken('password-reset', { codeChallenge })).token, more)).sameBrowser;
    expect(await tell({ codeVerifier: 'secret' })).toBe(true);
    expect(await tell({})).toBe(false);
    const optional = await domain.mintToken('password-reset', { codeChallenge });
    expect(await refusalOf(redeem(optional.token, { codeVerifier: 'guess' }))).toBe('binding_mismatch');
    const { token } = await domain.mintToken('bound', { codeChallenge });
    expect(await refusalOf(redeem(token, { purpose: 'bound' }))).toBe('binding_mismatch');
    expect(await redeem(token, { purpose: 'bound', codeVerifier: 'secret' }, 'key')).toMatchObject({
      sameBrowser: true,
    });
    expect(await redeem(token, { purpose: 'bound', codeVerifier: 'secret' }, 'key')).toMatchObject({
      sameBrowser: true,
      replayed: true,
    });
    for (const codeVerifier of ['another', undefined])
      expect(await refusalOf(redeem(token, { purpose: 'bound', codeVerifier }, 'key'))).toBe('link_redeemed');
  });

  test('takes the code of the page, unless the page has used the link up', async () => {
    const { id } = await domain.mintToken('password-reset');
    const link = (await domain.store.find('shop', id))!;
    const code = (change: object) => domain.tokens.mintCode({ ...link, ...change }, 300, false);
    const byCode = (code: string) => domain.links.redeem(APP, { code, purpose: 'password-reset' });
    // Whatever a code claims: one of a redeemed link wins nothing.
    expect(await refusalOf(byCode(code({ redeemedAt: START })))).toBe('unavailable');
    expect((await byCode(code({}))).link.redeemedAt).toBe(START);
    expect(await refusalOf(byCode(code({})))).toBe('link_redeemed');
  });

  test('a code that was typed stands in for the verifier', async () => {
    const { id } = await domain.mintToken('bound', { codeChallenge: challengeOf('secret') });
    const link = (await domain.store.find('shop', id))!;
    const by = (bound: boolean) =>
      domain.links.redeem(APP, { code: domain.tokens.mintCode(link, 300, bound), purpose: 'bound' });
    expect(await refusalOf(by(false))).toBe('binding_mismatch');
    expect(await by(true)).toMatchObject({ sameBrowser: false });
  });

  describe('by a mailed one-time code', () => {
    const by = (id: string, oneTimeCode: string, purpose = 'mail-code') =>
      domain.links.redeem(APP, { id, oneTimeCode, purpose });

    test('wins as the link does', async () => {
      const { id, token } = await domain.mintToken('mail-code');
      const won = await by(id, domain.tokens.oneTimeCode(id).toLowerCase().replace('-', ' '));
      expect(won).toMatchObject({ link: { id, redeemedAt: START }, replayed: false });
      expect(await refusalOf(redeem(token, { purpose: 'mail-code' }))).toBe('link_redeemed');
    });

    test('is no good after five wrong ones; the link is', async () => {
      const { id, token } = await domain.mintToken('mail-code');
      const right = domain.tokens.oneTimeCode(id);
      const wrong = right.startsWith('0') ? '1111-1111' : '0000-0000';
      expect(await refusalOf(by(id, 'what I was sent'))).toBe('code_incorrect');
      for (let attempt = 1; attempt <= 5; attempt++) expect(await refusalOf(by(id, wrong))).toBe('code_incorrect');
      expect(await refusalOf(by(id, right))).toBe('code_exhausted');
      expect((await domain.store.find('shop', id))!.codeAttempts).toBe(5);
      expect((await redeem(token, { purpose: 'mail-code' })).replayed).toBe(false);
    });

    test('that won is told so again under the same key, although wrong ones were typed since', async () => {
      const { id } = await domain.mintToken('mail-code');
      const right = domain.tokens.oneTimeCode(id);
      const wrong = right.startsWith('0') ? '1111-1111' : '0000-0000';
      const given = { id, oneTimeCode: right, purpose: 'mail-code' };
      expect((await domain.links.redeem(APP, given, 'key')).replayed).toBe(false);
      for (let attempt = 1; attempt <= 5; attempt++) await refusalOf(by(id, wrong));
      expect((await domain.links.redeem(APP, given, 'key')).replayed).toBe(true);
      expect(await refusalOf(domain.links.redeem(APP, given, 'another'))).toBe('code_exhausted');
      expect(await refusalOf(domain.links.redeem(APP, { ...given, oneTimeCode: wrong }, 'key'))).toBe('code_exhausted');
    });

    test('has the time of its link, which may wait to be mailed again', async () => {
      const { link } = await domain.mint('mail-code');
      const { id } = link;
      await domain.store.claimDue('lease', START, START + 1000, 1);
      await domain.store.settle(id, 'lease', { status: 'sent', at: START });
      await domain.links.resend(APP, id);
      domain.clock.time = link.expiresAt;
      expect(await refusalOf(by(id, domain.tokens.oneTimeCode(id)))).toBe('link_expired');
    });

    test('proves the mailbox, not the browser', async () => {
      const { id } = await domain.mintToken('mail-code-here', { codeChallenge: challengeOf('secret') });
      const given = { id, oneTimeCode: domain.tokens.oneTimeCode(id), purpose: 'mail-code-here' };
      expect(await refusalOf(domain.links.redeem(APP, given))).toBe('binding_mismatch');
      expect(await domain.links.redeem(APP, { ...given, codeVerifier: 'secret' })).toMatchObject({ sameBrowser: true });
    });

    test('is nothing for a link that there is not, of another purpose, or another app', async () => {
      const { id } = await domain.mintToken('password-reset');
      const code = domain.tokens.oneTimeCode(id);
      expect(await refusalOf(by(id, code))).toBe('token_invalid');
      expect(await refusalOf(by(domain.ids.next(), code))).toBe('token_invalid');
      const unknown = domain.ids.next();
      const guessed = { id: unknown, oneTimeCode: domain.tokens.oneTimeCode(unknown), purpose: 'mail-code' };
      expect(await refusalOf(domain.links.redeem(APP, guessed, 'key'))).toBe('token_invalid');
      const mailed = await domain.mintToken('mail-code');
      const theirs = { id: mailed.id, oneTimeCode: domain.tokens.oneTimeCode(mailed.id), purpose: 'mail-code' };
      expect(await refusalOf(domain.links.redeem(OTHER_APP, theirs))).toBe('token_invalid');
      const decoy = await domain.mintToken('mail-code', { decoy: true });
      expect(await refusalOf(by(decoy.id, domain.tokens.oneTimeCode(decoy.id)))).toBe('token_invalid');
    });

    test.each(['screen-code', 'password-reset', 'unknown'])('is not taken for %s', async (purpose) => {
      await expect(by('id', '0000-0000', purpose)).rejects.toMatchObject({
        errors: [{ pointer: '/oneTimeCode', detail: expect.stringContaining('oneTimeCode: mail') }],
      });
    });
  });

  test('is never answered by a guess when the store says neither yes nor why not', async () => {
    const { token } = await domain.mintToken('password-reset');
    const silent = storeWith(domain.store, { redeem: () => Promise.resolve(undefined) });
    const answer = domain.linksOn(silent).redeem(APP, { token, purpose: 'password-reset' });
    await expect(answer).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('inspecting', () => {
  test('says what redeeming would, and changes nothing', async () => {
    const { id, token } = await domain.mintToken('password-reset', { fingerprint: 'v1' });
    expect(await inspect(token)).toEqual(await domain.store.find('shop', id));
    expect(await refusalOf(inspect(token, { fingerprint: 'v2' }))).toBe('fingerprint_mismatch');
    expect((await inspect(token, { fingerprint: 'v1' })).redeemedAt).toBeNull();
    expect(await refusalOf(inspect(token, { purpose: 'bound' }))).toBe('token_invalid');
    await redeem(token, { fingerprint: 'v1' });
    expect(await refusalOf(inspect(token))).toBe('link_redeemed');
    const bound = await domain.mintToken('bound', { codeChallenge: challengeOf('secret') });
    expect(await refusalOf(inspect(bound.token, { purpose: 'bound' }))).toBe('binding_mismatch');
    expect((await inspect(bound.token, { purpose: 'bound', codeVerifier: 'secret' })).id).toBe(bound.id);
  });

  test('of a code from a page that used the link up shows it, until the code has run out', async () => {
    const { id, token } = await domain.mintToken('password-reset');
    const active = (await domain.store.find('shop', id))!;
    const look = (code: string) => domain.links.inspect(APP, { code, purpose: 'password-reset' });
    const [page, app] = [{ ...active, redeemedAt: START }, active].map((l) => domain.tokens.mintCode(l, 300, false));
    expect((await look(page!)).redeemedAt).toBeNull();
    await redeem(token);
    expect((await look(page!)).redeemedAt).toBe(START);
    expect(await refusalOf(look(app!))).toBe('link_redeemed');
    domain.clock.advance(300);
    expect(await refusalOf(look(page!))).toBe('link_redeemed');
    const { id: other } = await domain.mintToken('password-reset');
    const row = (await domain.store.find('shop', other))!;
    await domain.links.revoke(APP, other);
    const early = domain.tokens.mintCode({ ...row, redeemedAt: START }, 300, false);
    expect(await refusalOf(look(early))).toBe('link_revoked');
  });
});

describe('reading', () => {
  test('a link is shown to its app, and a notification is none', async () => {
    const { link } = await domain.mint('password-reset');
    expect(await domain.links.get(APP, link.id)).toEqual(link);
    await expect(domain.links.get(OTHER_APP, link.id)).rejects.toMatchObject({
      message: expect.stringContaining('link'),
    });
    const notice = { ...link, id: domain.ids.next(), kind: 'notification' as const };
    await domain.store.insert(notice, { quietSince: null, windows: [] });
    expect(await refusalOf(domain.links.get(APP, notice.id))).toBe('not_found');
  });

  test('a list goes on where its page ended', async () => {
    const ids: string[] = [];
    for (let nth = 0; nth < 52; nth++)
      ids.unshift((await domain.mint('email-verification', { subject: 'ann' })).link.id);
    await domain.mint('email-verification', { recipient: 'Bob+x@example.com' });
    const page = async (query: object) => {
      const { items, nextCursor } = await domain.links.list(APP, query);
      return { ids: items.map(({ id }) => id), nextCursor };
    };
    expect(await page({ subject: 'ann' })).toEqual({ ids: ids.slice(0, 50), nextCursor: ids[49] });
    expect(await page({ subject: 'ann', limit: '50', cursor: ids[49] })).toEqual({
      ids: ids.slice(50),
      nextCursor: null,
    });
    expect(await page({ subject: 'ann', limit: '2', cursor: ids[49] })).toEqual({
      ids: ids.slice(50),
      nextCursor: null,
    });
    expect((await page({ subject: 'ann', limit: '1' })).nextCursor).toBe(ids[0]);
    expect((await page({ recipient: 'bob+X@example.com' })).ids).toHaveLength(1);
    expect((await page({ recipient: 'carl@example.com' })).ids).toHaveLength(0);
    await expect(domain.links.list(APP, { recipient: 'nobody' })).rejects.toMatchObject({
      errors: [{ pointer: '/recipient' }],
    });
  });
});

describe('withdrawing', () => {
  test('what has ended has ended: it goes on saying how', async () => {
    const [late, first] = [
      await domain.mint('password-reset', { delivery: 'return' }),
      await domain.mint('password-reset', { subject: 'ann', delivery: 'return' }),
    ];
    await domain.mint('password-reset', { subject: 'ann', delivery: 'return' });
    domain.clock.advance(601);
    for (const { link } of [late, first]) expect((await domain.links.revoke(APP, link.id)).revokedAt).toBeNull();
  });

  test('is done once, and told each time', async () => {
    const { id } = await domain.mintToken('password-reset');
    expect((await domain.links.revoke(APP, id)).revokedAt).toBe(START);
    domain.clock.advance(1);
    expect((await domain.links.revoke(APP, id)).revokedAt).toBe(START);
    expect(await refusalOf(domain.links.revoke(OTHER_APP, id))).toBe('not_found');
  });

  test('of all that match leaves what has ended as it is', async () => {
    const [used, open] = [await domain.mintToken('email-verification', { subject: 'ann' }), await domain.mintToken('email-verification', { subject: 'ann' })]; // prettier-ignore
    const late = await domain.mintToken('email-verification', { subject: 'ann', expiresIn: 1 });
    await redeem(used.token, { purpose: 'email-verification' });
    domain.clock.advance(1);
    expect(await domain.links.revokeAll(APP, { subject: 'ann', purpose: 'email-verification' })).toBe(1);
    const revoked = await Promise.all(
      [used, open, late].map(async ({ id }) => (await domain.links.get(APP, id)).revokedAt),
    );
    expect(revoked).toEqual([null, START + 1000, null]);
    const body = domain.body('email-verification', { recipient: 'Eve@example.com' });
    await domain.links.mint(APP, body);
    expect(await domain.links.revokeAll(APP, { recipient: 'eve@example.com' })).toBe(1);
  });
});

describe('sending again', () => {
  const sent = async (id: string): Promise<void> => {
    const [message] = await domain.store.claimDue('lease', domain.clock.time, domain.clock.time + 1000, 10);
    expect(message!.id).toBe(id);
    await domain.store.settle(id, 'lease', { status: 'sent', at: domain.clock.time });
  };

  test('queues the mail anew, with time to deliver it', async () => {
    const { link } = await domain.mint('password-reset');
    await sent(link.id);
    domain.clock.advance(60);
    const { delivery } = await domain.links.resend(APP, link.id);
    expect(delivery).toMatchObject({
      status: 'queued',
      resends: 1,
      resentAt: START + 60_000,
      deliverBy: START + 180_000,
    });
    expect(domain.queued()).toBe(2);
  });

  test('is refused for what was returned, has ended, is not there, or was mailed just now', async () => {
    const returned = await domain.mintToken('password-reset');
    await expect(domain.links.resend(APP, returned.id)).rejects.toMatchObject({
      errors: [{ pointer: '', detail: expect.stringContaining('returned') }],
    });
    const { link } = await domain.mint('quiet');
    await sent(link.id);
    domain.clock.advance(29);
    await expect(domain.links.resend(APP, link.id)).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 1 });
    await domain.links.revoke(APP, link.id);
    expect(await refusalOf(domain.links.resend(APP, link.id))).toBe('link_revoked');
    expect(await refusalOf(domain.links.resend(APP, domain.ids.next()))).toBe('not_found');
    expect(domain.queued()).toBe(1);
  });

  test('tells what became of the link meanwhile', async () => {
    const { link } = await domain.mint('password-reset');
    const revoking = storeWith(domain.store, {
      requeue: async (...question) => {
        await domain.store.revoke('shop', { id: link.id }, START);
        return domain.store.requeue(...question);
      },
    });
    expect(await refusalOf(domain.linksOn(revoking).resend(APP, link.id))).toBe('link_revoked');
  });
});

test('a mail has what its purpose says', async () => {
  const { link } = await domain.mint('mail-code');
  const of = (purpose: string) => ({ ...link, purpose });
  const { links, tokens } = domain;
  expect(links.mailedCodeOf(link)).toBe(tokens.oneTimeCode(link.id));
  expect(['screen-code', 'password-reset', 'gone'].map((name) => links.mailedCodeOf(of(name)))).toEqual([
    null,
    null,
    null,
  ]);
  expect(links.reportUrlOf(link)).toBe(`https://links.example.com/r/${tokens.mintReport(link)}`);
  expect(['quiet', 'gone'].map((name) => links.reportUrlOf(of(name)))).toEqual([null, null]);
  expect(links.urlOf(of('gone')).url).toMatch(/^https:\/\/links\.example\.com\/l\//);
});
