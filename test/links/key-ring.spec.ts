import { createHmac, generateKeyPairSync, hkdfSync, randomBytes } from 'node:crypto';
import { KeySetError } from '../../src/links/jwk-set.js';
import { KeyRing } from '../../src/links/key-ring.js';

const SECRET = randomBytes(32);
const OCT = { kty: 'oct', alg: 'HS256', kid: 'key-1', k: SECRET.toString('base64url') };
const other = (kid: string, change: object = {}) => ({
  ...OCT,
  kid,
  k: randomBytes(32).toString('base64url'),
  ...change,
});
const EC = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid: 'ec-1',
  alg: 'ES256',
};
const ringOf = (...keys: object[]): KeyRing => KeyRing.fromJwks(JSON.stringify({ keys }));
const hmac = (key: ArrayBuffer | Buffer, text: string): string =>
  createHmac('sha256', Buffer.from(key as Buffer))
    .update(text)
    .digest('base64url');

describe('a shared secret', () => {
  const [key] = ringOf(OCT).keys;

  test('signs with a key of its own for each kind of token and purpose, derived by HKDF', () => {
    const token = key.service('oncelink+jwt', 'password-reset').sign({ jti: 'x', iat: 1 });
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const derived = hkdfSync('sha256', SECRET, '', 'oncelink oncelink+jwt password-reset', 32);
    expect(signature).toBe(hmac(derived, `${header}.${payload}`));
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'HS256',
      typ: 'oncelink+jwt',
      kid: 'key-1',
    });
    expect(key.service('oncelink+jwt', 'password-reset').verify(token)).toEqual({ jti: 'x', iat: 1 });
    expect(() => key.service('oncelink+jwt', 'magic-link').verify(token)).toThrow('invalid signature');
    expect(() => key.service('oncelink-code+jwt', 'password-reset').verify(token)).toThrow('invalid signature');
  });

  test('makes each signer once', () => {
    const signer = key.service('oncelink+jwt', 'magic-link');
    expect(key.service('oncelink+jwt', 'magic-link')).toBe(signer);
    expect(key.service('oncelink+jwt', 'email-verification')).not.toBe(signer);
  });

  test('leaves times to whoever reads the token', () => {
    const signer = ringOf(OCT).keys[0].service('oncelink+jwt', 'magic-link');
    const late = signer.sign({ iat: 1, exp: 2 });
    const early = signer.sign({ iat: 1, nbf: 9_999_999_999 });
    expect([signer.verify(late), signer.verify(early)]).toEqual([
      { iat: 1, exp: 2 },
      { iat: 1, nbf: 9_999_999_999 },
    ]);
  });

  test('knows what it signed; after one forgery the next are refused by their hash, before anything else of them is read', () => {
    const [fresh] = ringOf(OCT).keys;
    const signer = fresh.service('oncelink+jwt', 'magic-link');
    const token = signer.sign({ iat: 1 });
    const forged = token.replace(/[^.]+$/, hmac(randomBytes(32), 'x'));
    const read: string[] = [];
    const verify = signer.verify.bind(signer);
    signer.verify = (text, ...rest) => {
      read.push(text);
      return verify(text, ...rest);
    };
    const verifies = (text: string): boolean => fresh.verifies('oncelink+jwt', 'magic-link', text);
    const given = [token, forged, forged, `${token}AA`, token.replace(/..$/, ''), token, forged];
    expect(given.map(verifies)).toEqual([true, false, false, false, false, true, false]);
    expect(read).toEqual([token, forged, token, forged]);
    expect(fresh.verifies('oncelink+jwt', 'password-reset', token)).toBe(false);
    expect(fresh.verifies('oncelink-code+jwt', 'magic-link', token)).toBe(false);
  });

  test('makes MACs under keys of their own', () => {
    expect(key.mac('form', 'text')).toBe(hmac(hkdfSync('sha256', SECRET, '', 'oncelink mac form', 32), 'text'));
    expect(key.mac('form', 'text')).not.toBe(key.mac('one-time code', 'text'));
  });

  test('is not published', () => expect(ringOf(OCT).publicJwks()).toEqual({ keys: [] }));
});

describe('a key pair', () => {
  const [key] = ringOf(EC).keys;

  test('verifies with the half that is published', () => {
    const { d: _private, ...publicHalf } = EC;
    expect(ringOf(OCT, EC).publicJwks()).toEqual({ keys: [{ ...publicHalf, use: 'sig' }] });
    const token = key.service('oncelink+jwt', 'magic-link').sign({ iat: 1 });
    expect(ringOf(EC).keys[0].service('oncelink+jwt', 'magic-link').verify(token)).toEqual({ iat: 1 });
  });

  test('knows what it signed, after a forgery, too', () => {
    const token = key.service('oncelink+jwt', 'magic-link').sign({ iat: 1 });
    const forged = ringOf(other('x')).keys[0].service('oncelink+jwt', 'magic-link').sign({ iat: 1 });
    const verifies = (text: string): boolean => key.verifies('oncelink+jwt', 'magic-link', text);
    expect([forged, token].map(verifies)).toEqual([false, true]);
  });

  test('makes MACs that need its private half, the same after a restart', () => {
    const restarted = ringOf(EC).keys[0];
    expect(restarted.mac('form', 'text')).toBe(key.mac('form', 'text'));
    expect(ringOf(other('x')).keys[0].mac('form', 'text')).not.toBe(key.mac('form', 'text'));
  });
});

describe('who signs', () => {
  const signer = (now: number, ...from: (number | undefined)[]): string =>
    ringOf(...from.map((nbf, index) => other(`key-${index + 1}`, { nbf }))).signerAt(now).kid;
  test.each([
    ['the first', 'key-1', 5000, [undefined, undefined]],
    ['the first whose time has come', 'key-2', 4999, [5, undefined]],
    ['the first, from its very moment on', 'key-1', 5000, [5, undefined]],
    ['the last, when no time has come yet', 'key-3', 1000, [7, 5, 9]],
  ] as const)('%s', (_name, kid, now, from) => expect(signer(now, ...from)).toBe(kid));
});

test('a ring is replaced as a whole', () => {
  const ring = ringOf(OCT, other('key-2'));
  expect(['key-1', 'key-2', 'key-3'].map((kid) => ring.find(kid)?.kid)).toEqual(['key-1', 'key-2', undefined]);
  ring.replaceBy(ringOf(other('key-3')));
  expect(ring.keys.map(({ kid }) => kid)).toEqual(['key-3']);
  expect([ring.find('key-1'), ring.find('key-3')?.kid]).toEqual([undefined, 'key-3']);
  expect(ring.signerAt(0).kid).toBe('key-3');
});

test('a set with a fault makes no ring', () =>
  expect(() => ringOf({ ...OCT, k: 'c2hvcnQ' })).toThrow(
    expect.objectContaining({ constructor: KeySetError, faults: [expect.stringMatching(/^key 1 must be/)] }),
  ));
