import library, * as crypto from 'node:crypto';
import { jest } from '@jest/globals';
import type { AppStore, StoredApiKey } from '../../src/apps/app.js';
import type { Link } from '../../src/links/link.js';

/**
 * What is compared with something secret is compared by `timingSafeEqual`, and over its whole length: the modules below
 * get a `node:crypto` that writes down each of its calls.
 */
const original = crypto.timingSafeEqual;
const compared: [given: Buffer, kept: Buffer, equal: boolean][] = [];
jest.unstable_mockModule('node:crypto', () => ({
  ...crypto,
  default: library,
  timingSafeEqual: (one: Buffer, other: Buffer): boolean => {
    const equal = original(one, other);
    compared.push([one, other, equal]);
    return equal;
  },
}));
/** The library asks the module itself. */
const byLibrary = jest.spyOn(library, 'timingSafeEqual');
const { ApiKeys } = await import('../../src/apps/api-keys.js');
const { KeyRing } = await import('../../src/links/key-ring.js');
const { Tokens } = await import('../../src/links/tokens.js');
const { throws } = await import('../../src/links/expected-error.js');
const { sampleLink } = await import('../../src/testing.js');
const { keySet } = await import('./forger.js');

const NOW = 1_800_000_000_000;
beforeEach(() => void (compared.length = 0));

/** Another letter at one place, of those that may stand there. */
const wrongAt = (text: string, index: number, letters = 'ab'): string => {
  const at = (index + text.length) % text.length;
  return text.slice(0, at) + (text[at] === letters[0] ? letters[1] : letters[0]) + text.slice(at + 1);
};
/** The verdict was that of one comparison, over so many bytes. */
function expectCompared(bytes: number, equal: boolean): void {
  expect(compared.map(([one, other, result]) => [one.length, other.length, result])).toEqual([[bytes, bytes, equal]]);
  compared.length = 0;
}

describe('each of these is compared as a whole, whether it is right, or wrong in its first or its last place', () => {
  const tokens = new Tokens(
    KeyRing.fromJwks(JSON.stringify({ keys: [keySet('HS256').keys[0]] })),
    'https://links.example.com',
    new Set(['password-reset']),
    () => NOW,
  );
  const link: Link = sampleLink({ issuedAt: NOW, expiresAt: NOW + 600_000 });
  const token = tokens.mintLink(link);

  test('an API key, by its digest', async () => {
    const shelf = new Map<string, StoredApiKey>();
    const keys = new ApiKeys(
      {
        find: async () => ({ id: 'shop', name: 'Shop', redirectUris: [] }),
        findKey: async (id: string) => shelf.get(id),
        saveKey: async (key: StoredApiKey) => void shelf.set(key.id, key),
        noteKeyUse: async () => {},
      } as unknown as AppStore,
      () => NOW,
    );
    const { id, key } = await keys.create('shop', ['links:mint'], 'a test');
    const begin = `olk_${id}_`.length;
    expect(await keys.authenticate(key)).toBeDefined();
    // SHA-256 in base64url.
    expectCompared(43, true);
    for (const guess of [wrongAt(key, begin, '01'), wrongAt(key, -1, '01')]) {
      expect(await keys.authenticate(guess)).toBeUndefined();
      expectCompared(43, false);
    }
  });

  test('a nonce of our pages', () => {
    const nonce = tokens.formNonce(token);
    expect(tokens.isFormNonce(token, nonce)).toBe(true);
    expectCompared(43, true);
    for (const index of [0, -1]) {
      expect(tokens.isFormNonce(token, wrongAt(nonce, index))).toBe(false);
      expectCompared(43, false);
    }
  });

  test('a one-time code', () => {
    const code = tokens.oneTimeCode(link.id);
    expect(tokens.isOneTimeCode(link.id, code)).toBe(true);
    expectCompared(code.length, true);
    for (const index of [0, -1]) {
      expect(tokens.isOneTimeCode(link.id, wrongAt(code, index, '23'))).toBe(false);
      expectCompared(code.length, false);
    }
  });

  test('the signature of a link, a code or a report', () => {
    const forms = [
      [token, (text: string) => tokens.readLink(text)],
      [tokens.mintCode(link, 300, false), (text: string) => tokens.readCode(text)],
      [tokens.mintReport(link), (text: string) => tokens.readReport(text)],
    ] as const;
    for (const [good, read] of forms) {
      const begin = good.lastIndexOf('.') + 1;
      // The last character of 43 bears four bits.
      const wrong = [wrongAt(good, begin), wrongAt(good, -1, 'AE')];
      expect(throws(() => read(wrong[0]!))).toBe(true);
      // The first is the library's affair alone, which compares the texts.
      expect(compared).toEqual([]);
      expect(byLibrary.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength])).toEqual([[43, 43]]);
      byLibrary.mockClear();
      for (const one of wrong) {
        expect(throws(() => read(one))).toBe(true);
        expectCompared(32, false);
      }
      expect(byLibrary).not.toHaveBeenCalled();
      read(good);
      expectCompared(32, true);
      // And it has the last word.
      expect(byLibrary).toHaveBeenCalledTimes(1);
      byLibrary.mockClear();
    }
  });
});
