import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readJwkSet, type KeySetError } from '../../src/links/jwk-set.js';

const b64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url');
type Jwk = Record<string, any>;
const OCT = { kty: 'oct', alg: 'HS256', kid: 'key-1', k: b64(randomBytes(32)) };
const EC = ec();
let made: Jwk | undefined;
/** Made when it is needed: it takes long. */
const RSA = (): Jwk => (made ??= rsa());

const faultsOf = (text: string): readonly string[] => {
  try {
    readJwkSet(text);
    return [];
  } catch (error) {
    return (error as KeySetError).faults;
  }
};
const faults = (...keys: object[]): readonly string[] => faultsOf(JSON.stringify({ keys }));

/** One fault, of the first key, that repeats nothing secret. */
function expectRefused(given: Jwk | (() => Jwk)): void {
  const jwk = typeof given === 'function' ? given() : given;
  const [fault, ...others] = faults(jwk);
  expect([others, fault]).toEqual([[], expect.stringMatching(/^key 1 /)]);
  for (const secret of [jwk.k, jwk.d]) if (secret?.length > 3) expect(fault).not.toContain(secret);
}

test.each([
  ['a secret', OCT],
  ['64 random bytes', { ...OCT, k: b64(randomBytes(64)) }],
  ['what openssl rand -hex 32 prints', { ...OCT, k: b64(randomBytes(32).toString('hex')) }],
  ['a pair on P-256', EC],
  [
    'a key that says when it was made and when it signs',
    { ...OCT, use: 'sig', iat: 1_800_000_000, nbf: 1_800_000_060 },
  ],
])('%s is a key', (_name, jwk) => expect(faults(jwk)).toEqual([]));

test('3072 bits of RSA are a key', () => expect(faults(RSA())).toEqual([]));

test('what a key says about itself is read, in milliseconds', () => {
  const [waiting, plain] = readJwkSet(JSON.stringify({ keys: [{ ...EC, iat: 5, nbf: 9 }, OCT] }));
  expect(waiting).toMatchObject({ kid: 'ec-1', alg: 'ES256', madeAt: 5000, signsFrom: 9000 });
  expect(plain).toMatchObject({ kid: 'key-1', alg: 'HS256', madeAt: undefined, signsFrom: 0 });
});

describe('refused is', () => {
  test.each<[string, Jwk | (() => Jwk)]>([
    ['a short secret', { ...OCT, k: b64(randomBytes(31)) }],
    ['an empty secret', { ...OCT, k: '' }],
    ['no secret', { ...OCT, k: undefined }],
    ['an algorithm that is not ours', { ...OCT, alg: 'HS512' }],
    ['no algorithm', { ...OCT, alg: undefined }],
    ['the algorithm none', { ...OCT, alg: 'none' }],
    ['no kid', { ...OCT, kid: undefined }],
    ['a kid with a path in it', { ...OCT, kid: '../x' }],
    ['a kid that is too long', { ...OCT, kid: 'x'.repeat(65) }],
    ['a key for encryption', { ...OCT, use: 'enc' }],
    ['a time in words', { ...OCT, nbf: 'tomorrow' }],
    ['a time of making in words', { ...OCT, iat: 'yesterday' }],
    ['a secret that says it is something else', { ...OCT, kty: 'EC' }],
    ['a pair that claims to be a secret', { ...EC, alg: 'HS256' }],
    ['a secret that claims to be a pair', { ...OCT, alg: 'ES256' }],
    ['an RSA pair that claims another algorithm', () => ({ ...RSA(), alg: 'ES256' })],
    ['a curve that is not P-256', { ...ec('P-384'), alg: 'ES256' }],
    ['2048 bits of RSA', () => rsa(2048)],
    ['an RSA exponent of 3', () => rsa(3072, 3)],
    ['a public key only', { ...EC, d: undefined }],
    ['halves that do not belong together', { ...EC, d: ec().d }],
    ['a private half that was counted', { ...EC, d: b64(Buffer.concat([Buffer.alloc(31), Buffer.from([7])])) }],
  ])('%s', (_name, jwk) => expectRefused(jwk));

  test.each([
    ['one letter over and over', Buffer.alloc(32, 'a')],
    ['zeros', Buffer.alloc(64)],
    ['counting', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
    ['counting down in threes', Buffer.from(Array.from({ length: 64 }, (_, index) => 255 - 3 * index))],
    [
      '16 random bytes twice',
      Buffer.concat(
        [1, 2].map(
          (
            (half) => () =>
              half
          )(randomBytes(16)),
        ),
      ),
    ],
    ['8 random bytes eight times', Buffer.concat(Array<Buffer>(8).fill(randomBytes(8)))],
    ['hexadecimal zeros', Buffer.from('0'.repeat(64))],
  ])('a secret made of %s', (_name, bytes) => expectRefused({ ...OCT, k: b64(bytes) }));

  // What tutorials, generators' samples and word lists of JWT crackers have; repeated until it is long enough.
  test.each([
    'secret',
    'your-256-bit-secret',
    'your-512-bit-secret',
    'a-string-secret-at-least-256-bits-long',
    'changeme',
    'password',
    'jwt_secret_key',
    'my super secret key that nobody will ever guess!',
    'S3cr3t-K3y-F0r-Pr0ducti0n-D0-N0t-Sh4re',
    'dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5IGF0IGFsbA==',
    '-----BEGIN PUBLIC KEY-----',
    'correct horse battery staple',
    'oncelink',
  ])('the text "%s" as a secret', (text) => expectRefused({ ...OCT, k: b64(text.padEnd(32, text)) }));

  test.each<[string, Record<string, any>]>([
    [
      'RFC 7515 A.1',
      { ...OCT, k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    ],
    ['RFC 7520 3.5', { ...OCT, k: 'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg' }],
    [
      'RFC 7515 A.3',
      {
        ...EC,
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
        d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
      },
    ],
    [
      'RFC 7517 A.2',
      {
        ...EC,
        x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
        y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
        d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
      },
    ],
    [
      'jwt.io',
      {
        ...EC,
        x: 'EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84',
        y: 'kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY',
        d: 'evZzL1gdAFr88hb2OF_2NxApJCzGCEDdfSp6VQO30hw',
      },
    ],
  ])('the example of %s', (_name, jwk) => expect(faults(jwk)).toEqual([expect.stringContaining('example')]));

  test('a kid twice, and the same key under two kids, whatever its spelling', () => {
    const other = { ...OCT, k: b64(randomBytes(32)) };
    expect(faults(OCT, other)).toEqual(['key 2 repeats the kid of another key']);
    expect(faults(OCT, { ...OCT, kid: 'key-2' })).toEqual([expect.stringContaining('key 2 is the same key')]);
    expect(faults(OCT, { ...OCT, kid: 'key-2', k: `${OCT.k}=` })).toEqual([expect.stringContaining('same key')]);
    expect(faults(EC, { ...EC, kid: 'ec-2' }, RSA(), { ...RSA(), kid: 'rsa-2' })).toHaveLength(2);
  });

  test('what is no set, or says a thing twice', () => {
    expect(faults()).toEqual([expect.stringContaining('JWK Set')]);
    expect(faultsOf('{')).toEqual([expect.stringContaining('JWK Set')]);
    expect(faultsOf(JSON.stringify(OCT))).toEqual([expect.stringContaining('JWK Set')]);
    const twice = JSON.stringify({ keys: [OCT] }).replace('"alg"', '"alg":"none","alg"');
    expect(faultsOf(twice)).toEqual([expect.stringContaining('each member once')]);
  });
});

test('why a pair is no good is told apart', () => {
  expect(faults({ ...EC, d: undefined })).toEqual(['key 1 is not a private key']);
  expect(faults({ ...EC, d: b64(Buffer.alloc(32, 7)) })).toEqual([expect.stringContaining('is not random')]);
});

test('every fault of a set is told at once', () =>
  expect(faults({ ...OCT, k: 'c2hvcnQ' }, EC, { ...RSA(), alg: 'RS512' })).toEqual([
    expect.stringMatching(/^key 1 must be/),
    expect.stringMatching(/^key 3 needs an "alg"/),
  ]));

test("our own public key's text is no secret, so no token can be signed with it", () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  expectRefused({ ...OCT, k: b64(pem) });
  expectRefused({ ...OCT, k: b64(JSON.stringify(publicKey.export({ format: 'jwk' }))) });
});

function ec(namedCurve = 'P-256'): Record<string, any> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'ec-1', alg: 'ES256' };
}
function rsa(modulusLength = 3072, publicExponent = 65_537): Record<string, any> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'rsa-1', alg: 'RS256' };
}
