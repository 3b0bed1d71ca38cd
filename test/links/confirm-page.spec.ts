import { ConfirmPage } from '../../src/links/confirm-page.js';
import { challengeOf } from '../../src/links/digest.js';
import type { LinkStore } from '../../src/links/link-store.js';
import { openDomain, purposeOf, refusalOf, START, storeWith, type Domain } from '../support/domain.js';

let domain: Domain;
let page: ConfirmPage;
const pageOn = (store: LinkStore) => new ConfirmPage(store, domain.tokens, domain.purposes, domain.clock.now);
beforeAll(async () => {
  domain = await openDomain(
    purposeOf('by-app', { codeLifetime: 77 }),
    purposeOf('by-page', { redeemOn: 'page' }),
    purposeOf('by-page-here', { redeemOn: 'page', binding: 'required' }),
    purposeOf('by-page-code', { redeemOn: 'page', binding: 'required', oneTimeCode: 'screen' }),
    purposeOf('by-app-code', { binding: 'required', oneTimeCode: 'screen' }),
  );
});
beforeEach(async () => {
  await domain.reset();
  page = pageOn(domain.store);
});
afterAll(() => domain.close());

const codeChallenge = challengeOf('secret');
const rowOf = async (id: string) => (await domain.store.find('shop', id))!;
/** A refusal of the page carries the link, so that the page can speak its language. */
const refused = (code: string, id: string) => expect.objectContaining({ code, link: expect.objectContaining({ id }) });

describe('looking', () => {
  test('shows the link, for its own page only', async () => {
    const { id, token } = await domain.mintToken('by-app');
    expect(await page.look(token)).toEqual(await rowOf(id));
    expect(await page.look(token, id)).toEqual(await rowOf(id));
    expect(await refusalOf(page.look(token, domain.ids.next()))).toBe('token_invalid');
    expect(await refusalOf(page.look(`${token}x`))).toBe('token_invalid');
    const decoy = await domain.mintToken('by-app', { decoy: true });
    expect(await refusalOf(page.look(decoy.token))).toBe('token_invalid');
  });

  test('says why not, and of which link', async () => {
    const { id, token } = await domain.mintToken('by-app', { expiresIn: 5 });
    const earlier = domain.tokens.mintLink({ ...(await rowOf(id)), expiresAt: START });
    await expect(page.look(earlier, id)).rejects.toEqual(refused('link_expired', id));
    await domain.store.revoke('shop', { id }, START);
    await expect(page.look(token)).rejects.toEqual(refused('link_revoked', id));
  });

  test('is noted once', async () => {
    const { id } = await domain.mintToken('by-app');
    await page.noteOpened(await rowOf(id));
    expect((await rowOf(id)).openedAt).toBe(START);
    const deaf = pageOn(storeWith(domain.store, { markOpened: () => Promise.reject(new Error('asked')) }));
    await deaf.noteOpened(await rowOf(id));
  });
});

describe('the button', () => {
  test('of a purpose that the app redeems hands over a code, and uses nothing up', async () => {
    const { id, token } = await domain.mintToken('by-app');
    const { link, code } = await page.press(token, id);
    expect(link).toEqual(await rowOf(id));
    expect(link.redeemedAt).toBeNull();
    expect(domain.tokens.readCode(code)).toMatchObject({ id, redeemedOnPage: false, bound: false, expired: false });
    domain.clock.advance(76);
    expect(domain.tokens.readCode(code).expired).toBe(false);
    domain.clock.advance(1);
    expect(domain.tokens.readCode(code).expired).toBe(true);
    expect((await page.press(token, id)).code).not.toBe(code);
  });

  test('of a purpose that the page redeems uses the link up, twice in one browser alike', async () => {
    const { id, token } = await domain.mintToken('by-page');
    const { link, code } = await page.press(token, id);
    expect(link.redeemedAt).toBe(START);
    expect(domain.tokens.readCode(code)).toMatchObject({ id, redeemedOnPage: true, bound: false });
    domain.clock.advance(86_399);
    expect((await page.press(domain.tokens.mintLink(link), id)).link.redeemedAt).toBe(START);
    domain.clock.advance(1);
    await expect(page.press(token, id)).rejects.toEqual(refused('link_redeemed', id));
  });

  test('pressed with another token of the link is another browser', async () => {
    const { id, token } = await domain.mintToken('by-page');
    await page.press(token, id);
    const other = domain.tokens.mintLink({ ...(await rowOf(id)), issuedAt: START - 5000 });
    await expect(page.press(other, id)).rejects.toEqual(refused('link_redeemed', id));
  });

  test('does nothing for what has ended, or is for another page', async () => {
    for (const purpose of ['by-app', 'by-page']) {
      const { id, token } = await domain.mintToken(purpose);
      expect(await refusalOf(page.press(token, domain.ids.next()))).toBe('token_invalid');
      const earlier = domain.tokens.mintLink({ ...(await rowOf(id)), expiresAt: START });
      await expect(page.press(earlier, id)).rejects.toEqual(refused('link_expired', id));
      expect((await rowOf(id)).redeemedAt).toBeNull();
      await domain.store.revoke('shop', { id }, START);
      await expect(page.press(token, id)).rejects.toEqual(refused('link_revoked', id));
    }
  });

  test('leaves to the app what the page cannot judge', async () => {
    for (const [purpose, more] of [
      ['by-page', { fingerprint: 'v1' }],
      ['by-page-here', { codeChallenge }],
    ] as const) {
      const { id, token } = await domain.mintToken(purpose, more);
      expect((await page.press(token, id)).link.redeemedAt).toBeNull();
      expect((await rowOf(id)).redeemedAt).toBeNull();
    }
  });

  test('is never answered by a guess when the store says neither yes nor why not', async () => {
    const { id, token } = await domain.mintToken('by-page');
    const silent = pageOn(storeWith(domain.store, { redeem: () => Promise.resolve(undefined) }));
    await expect(silent.press(token, id)).rejects.toEqual(refused('unavailable', id));
  });
});

describe('the code of the requesting screen', () => {
  const wrongFor = (id: string) => (domain.tokens.oneTimeCode(id).startsWith('0') ? '1111-1111' : '0000-0000');

  test('stands in for that browser', async () => {
    const { id, token } = await domain.mintToken('by-page-code', { codeChallenge });
    const { link, code } = await page.press(token, id, domain.tokens.oneTimeCode(id));
    expect(link.redeemedAt).toBe(START);
    expect(domain.tokens.readCode(code)).toMatchObject({ redeemedOnPage: true, bound: true });
  });

  test('goes with the code to the app, where the app redeems', async () => {
    const { id, token } = await domain.mintToken('by-app-code', { codeChallenge });
    const { link, code } = await page.press(token, id, domain.tokens.oneTimeCode(id));
    expect(link.redeemedAt).toBeNull();
    expect(domain.tokens.readCode(code)).toMatchObject({ redeemedOnPage: false, bound: true });
    expect(domain.tokens.readCode((await page.press(token, id)).code).bound).toBe(false);
  });

  test('is refused when it is wrong, and counted', async () => {
    const { id, token } = await domain.mintToken('by-page-code', { codeChallenge });
    await expect(page.press(token, id, wrongFor(id))).rejects.toEqual(refused('code_incorrect', id));
    expect(await rowOf(id)).toMatchObject({ redeemedAt: null, codeAttempts: 1 });
  });

  test('means nothing where the purpose has none', async () => {
    const { id, token } = await domain.mintToken('by-app');
    const { code } = await page.press(token, id, domain.tokens.oneTimeCode(id));
    expect(domain.tokens.readCode(code).bound).toBe(false);
    expect((await page.press(token, id, wrongFor(id))).link.codeAttempts).toBe(0);
  });
});

test.each([
  ['by-app', {}, [false, false]],
  ['by-page', {}, [true, true]],
  ['by-page', { fingerprint: 'v1' }, [false, false]],
  ['by-page-here', { codeChallenge }, [false, true]],
  ['by-page-code', { codeChallenge, fingerprint: 'v1' }, [false, false]],
])('whether the button of %s with %j uses the link up: %j', async (purpose, more, expected) => {
  const link = await rowOf((await domain.mintToken(purpose, more)).id);
  expect([page.redeemsHere(link), page.redeemsHere(link, true)]).toEqual(expected);
});

test.each([
  ['by-app', { sameBrowser: false, code: false }],
  ['by-page-here', { sameBrowser: true, code: false }],
  ['by-page-code', { sameBrowser: true, code: true }],
])('what the page of %s demands: %j', async (purpose, demands) => {
  const link = await rowOf((await domain.mintToken(purpose, demands.sameBrowser ? { codeChallenge } : {})).id);
  expect(page.demandsOf(link)).toEqual(demands);
  expect(page.demandsOf({ ...link, codeAttempts: 5 }).code).toBe(false);
});
