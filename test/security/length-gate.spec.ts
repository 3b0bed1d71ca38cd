import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import { KeyRing } from '../../src/links/key-ring.js';
import { TokenInvalid } from '../../src/links/errors.js';
import { Tokens } from '../../src/links/tokens.js';
import { sampleLink } from '../../src/testing.js';
import { Forger, contentOf, keySet } from './forger.js';

const NOW = 1_800_000_000_000;
const PURPOSES = new Set(['password-reset']);

/** What the gate has to do with a token, step by step. */
describe.each(['HS256', 'ES256'] as const)('with %s, a token that is too long', (alg) => {
  const set = keySet(alg);
  const ring = KeyRing.fromJwks(JSON.stringify(set));
  const tokens = new Tokens(ring, 'https://links.example.com', PURPOSES, () => NOW);
  const forger = new Forger(set);
  const [header, claims] = contentOf(tokens.mintLink(sampleLink({ issuedAt: NOW, expiresAt: NOW + 600_000 })));
  const withSubject = (length: number): string => forger.token(header, { ...claims, sub: 'x'.repeat(length) }, { alg });
  /** Rightly signed, and as long as asked or a little shorter: in base64url, three characters become four. */
  const atMost = (length: number): string => withSubject(Math.floor(((length - withSubject(0).length) * 3) / 4));

  afterEach(() => jest.restoreAllMocks());

  /** Reads it. @returns how often the gate parsed JSON, decoded base64url, looked a key up and checked a signature */
  function workOn(token: string): {
    accepted: boolean;
    parsed: number;
    decoded: number;
    keys: number;
    checked: number;
  } {
    const parse = jest.spyOn(JSON, 'parse');
    const from = jest.spyOn(Buffer, 'from');
    const find = jest.spyOn(ring, 'find');
    const verifies = ring.keys.map((key) => jest.spyOn(key, 'verifies'));
    let accepted = true;
    try {
      tokens.readLink(token);
    } catch (error) {
      expect(error).toBeInstanceOf(TokenInvalid);
      accepted = false;
    }
    const calls = (...spies: { mock: { calls: unknown[] } }[]): number =>
      spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const work = { parsed: calls(parse), decoded: calls(from), keys: calls(find), checked: calls(...verifies) };
    jest.restoreAllMocks();
    return { accepted, ...work };
  }
  const NOTHING = { accepted: false, parsed: 0, decoded: 0, keys: 0, checked: 0 };

  test('is refused before anything of it is decoded, parsed, looked up or hashed, although it is rightly signed', () => {
    const longest = atMost(2_048);
    expect(2_048 - longest.length).toBeLessThan(4);
    expect(longest.length).toBeLessThanOrEqual(2_048);
    const read = workOn(longest);
    expect(read).toMatchObject({ accepted: true, keys: 1, checked: 1 });
    expect(Math.min(read.parsed, read.decoded)).toBeGreaterThanOrEqual(2);
    for (const length of [2_053, 4_096, 100_000]) {
      const token = atMost(length);
      expect(token.length).toBeGreaterThan(2_048);
      expect(workOn(token)).toEqual(NOTHING);
    }
  });

  test('or of another shape is refused as early', () => {
    const good = forger.token(header, claims, { alg });
    const signature = good.slice(good.lastIndexOf('.'));
    const shapes = [
      `${good}${signature}`,
      `${good}=`,
      ` ${good}`,
      `${good}\n`,
      good.replace('.', ''),
      `.${good}`,
      '',
      '..',
    ];
    for (const shape of shapes) expect([shape, workOn(shape)]).toEqual([shape, NOTHING]);
    // In the shape of a token, and nothing of one within: that much is decoded, and no key is asked.
    const noise = randomBytes(24).toString('base64url');
    expect(workOn(`${noise}.${noise}.${noise}`)).toMatchObject({ accepted: false, keys: 0, checked: 0 });
  });
});
