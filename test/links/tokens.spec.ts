import { createHmac, generateKeyPairSync, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { TokenInvalid } from '../../src/links/errors.js';
import { KeyRing } from '../../src/links/key-ring.js';
import { spellCode } from '../../src/links/one-time-code.js';
import { Tokens } from '../../src/links/tokens.js';
import { HandSetClock, sampleLink } from '../../src/testing.js';

const ISSUER = 'https://links.example.com';
const NOW = 1_800_000_000_000;
const SECRET = randomBytes(32);
const OCT = { kty: 'oct', alg: 'HS256', kid: 'key-1', k: SECRET.toString('base64url') };
const PURPOSES = new Set(['password-reset', 'magic-link', 'email-verification']);

const clock = new HandSetClock(NOW);
const ringOf = (...keys: object[]): KeyRing => KeyRing.fromJwks(JSON.stringify({ keys }));
const tokensOf = (...keys: object[]): Tokens => new Tokens(ringOf(...keys), ISSUER, PURPOSES, clock.now);
const tokens = tokensOf(OCT);
const link = sampleLink({ createdAt: NOW, issuedAt: NOW, expiresAt: NOW + 600_000 });
const good = tokens.mintLink(link);

beforeEach(() => (clock.time = NOW));

const b64 = (value: string | Buffer): string => Buffer.from(value).toString('base64url');
const parts = (token: string): [any, any] =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString())) as [any, any];

/** Signs any header and payload text with the very key that the service uses: only the gate can refuse these. */
function forge(header: string, payload: string, purpose = 'password-reset', kind = 'oncelink+jwt'): string {
  const key = Buffer.from(hkdfSync('sha256', SECRET, '', `oncelink ${kind} ${purpose}`, 32));
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
}
const HEADER = { alg: 'HS256', typ: 'oncelink+jwt', kid: 'key-1' };
const claims = (change: object = {}): Record<string, unknown> => ({ ...parts(good)[1], ...change });
const withClaims = (change: object): string => forge(JSON.stringify(HEADER), JSON.stringify(claims(change)));
const withHeader = (change: object): string =>
  forge(JSON.stringify({ ...HEADER, ...change }), JSON.stringify(claims()));
const invalid = (token: string): void => expect(() => tokens.readLink(token)).toThrow(TokenInvalid);

test('a token has exactly the header and claims of the contract, and nothing personal', () => {
  const [header, payload] = parts(good);
  expect(header).toEqual(HEADER);
  expect(payload).toEqual({
    iss: ISSUER,
    aud: 'default',
    sub: link.subject,
    jti: link.id,
    purpose: 'password-reset',
    iat: NOW / 1000,
    exp: NOW / 1000 + 600,
  });
});

test('of one signed text only the one spelling is accepted, in each part', () => {
  const sign = (header: string, payload: string): string => {
    const key = Buffer.from(hkdfSync('sha256', SECRET, '', 'oncelink oncelink+jwt password-reset', 32));
    return `${header}.${payload}.${createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')}`;
  };
  const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
  /** All that Node reads as the same bytes: with bits that belong to none, or with one character more. */
  const respelled = (part: string): string[] =>
    ALPHABET.flatMap((last) => [part.slice(0, -1) + last, part + last]).filter(
      (other) => other !== part && Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url')),
    );
  const rests = new Set<number>();
  for (const sub of ['user', 'user4', 'user42']) {
    const [header, payload] = [b64(JSON.stringify(HEADER)), b64(JSON.stringify(claims({ sub })))];
    rests.add(payload.length % 4);
    expect(tokens.readLink(sign(header, payload)).id).toBe(link.id);
    expect(respelled(payload).length).toBeGreaterThanOrEqual(3);
    for (const other of respelled(payload)) invalid(sign(header, other));
    for (const other of respelled(header)) invalid(sign(other, payload));
  }
  expect(rests).toEqual(new Set([0, 2, 3]));
});

test('the forging helper makes tokens that the service accepts, so that refusals below mean something', () => {
  expect(tokens.readLink(forge(JSON.stringify(HEADER), JSON.stringify(claims())))).toMatchObject({ id: link.id });
});

test('the same row gives the same token, so that it need not be stored', () =>
  expect(tokens.mintLink(link)).toBe(good));

test('the times of a token are whole seconds, those of its row', () => {
  const row = sampleLink({ issuedAt: NOW + 1999, expiresAt: NOW + 600_999 });
  expect(parts(tokens.mintLink(row))[1]).toMatchObject({ iat: NOW / 1000 + 1, exp: NOW / 1000 + 600 });
});

test('a token may come from a clock that is ahead by 30 seconds, and be 2048 characters long', () => {
  expect(tokens.readLink(withClaims({ iat: NOW / 1000 + 30 })).id).toBe(link.id);
  const long = (length: number): string => withClaims({ sub: 'x'.repeat(length) });
  const lengths = Array.from({ length: 300 }, (_, index) => 1150 + index);
  const longest = lengths.map(long).find(({ length }) => length === 2048)!;
  expect(tokens.readLink(longest).id).toBe(link.id);
  const longer = [2049, 2050].map((wanted) => lengths.map(long).find(({ length }) => length === wanted));
  for (const token of longer) if (token) invalid(token);
});

test('expiry is told apart from forgery, at the second', () => {
  clock.time = NOW + 599_999;
  expect(tokens.readLink(good).expired).toBe(false);
  clock.time = NOW + 600_000;
  expect(tokens.readLink(good).expired).toBe(true);
});

describe('refuses', () => {
  test.each([
    ['nothing', ''],
    ['two parts', 'a.b'],
    ['four parts', `${good}.x`],
    ['white space around', ` ${good}`],
    ['a line break at the end', `${good}\n`],
    ['padding', `${good}=`],
    ['a JSON serialisation', JSON.stringify({ payload: good.split('.')[1], signature: good.split('.')[2] })],
    ['more than 2048 characters', withClaims({ sub: 'x'.repeat(2000) })],
    ['a changed payload', good.replace(/\.[^.]+\./, `.${b64(JSON.stringify(claims({ sub: 'other' })))}.`)],
    ['no signature', good.replace(/[^.]+$/, '')],
    ['another signature', good.replace(/[^.]+$/, b64(randomBytes(32)))],
  ])('%s', (_name, token) => invalid(token));

  test.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    'hs256',
    'HS384',
    'HS512',
    'RS256',
    'ES256',
    'PS256',
    'EdDSA',
    '',
    null,
    256,
    ['HS256'],
  ])('alg %j', (alg) => invalid(withHeader({ alg })));
  test.each(['JWT', 'oncelink-code+jwt', 'ONCELINK+JWT', 'at+jwt', '', null, undefined])('typ %j', (typ) =>
    invalid(withHeader({ typ })),
  );
  test.each([
    'key-2',
    '',
    '../../etc/passwd',
    "' OR 1=1 --",
    '|sleep 10',
    '__proto__',
    'constructor',
    null,
    1,
    ['key-1'],
    undefined,
  ])('kid %j', (kid) => invalid(withHeader({ kid })));
  test.each([
    { crit: ['exp'] },
    { crit: [] },
    { jku: 'http://127.0.0.1/keys' },
    { jwk: OCT },
    { x5u: 'http://127.0.0.1/' },
    { x5c: [] },
    { cty: 'JWT' },
    { b64: false },
    { zip: 'DEF' },
  ])('a header with %j', (more) => invalid(withHeader(more)));
  test.each([
    { iss: 'https://LINKS.example.com' },
    { iss: `${ISSUER}/` },
    { iss: [ISSUER] },
    { aud: ['default'] },
    { aud: null },
    { sub: 42 },
    { sub: undefined },
    { jti: { $ne: null } },
    { jti: undefined },
    { purpose: 'magic-link' },
    { purpose: 'unknown' },
    { purpose: ['password-reset'] },
    { iat: NOW / 1000 + 31 },
    { iat: '1800000000' },
    { iat: undefined },
    { exp: '9999999999' },
    { exp: 1.5 },
    { exp: null },
    { exp: undefined },
    { nbf: 1 },
    { email: 'ann@example.com' },
  ])('claims with %j', (change) => invalid(withClaims(change)));

  test.each(['null', '[]', '"text"', '1', '', '{', '{"purpose":"password-reset"'])('the payload %s', (payload) =>
    invalid(forge(JSON.stringify(HEADER), payload)),
  );
  test.each(['null', '[]', '"text"', '', '{'])('the header %s', (header) =>
    invalid(forge(header, JSON.stringify(claims()))),
  );
  test('a purpose that is not in force, though its own key signed it', () =>
    invalid(forge(JSON.stringify(HEADER), JSON.stringify(claims({ purpose: 'unknown' })), 'unknown')));
  test('an infinite exp, which JSON.parse makes of 1e999', () =>
    invalid(forge(JSON.stringify(HEADER), JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999'))));
  test('a member twice, in header or payload, escaped or not', () => {
    const header = JSON.stringify(HEADER);
    const payload = JSON.stringify(claims());
    invalid(forge(header.replace('{', '{"alg":"none",'), payload));
    invalid(forge(header, payload.replace('{', '{"exp":1,')));
    invalid(forge(header, payload.replace('{', '{"\\u0065xp":9999999999,')));
  });
  test('invalid UTF-8', () => {
    const payload = Buffer.from(JSON.stringify(claims({ sub: '%%' })).replace('%%', '\xff\xfe'), 'latin1');
    const key = Buffer.from(hkdfSync('sha256', SECRET, '', 'oncelink oncelink+jwt password-reset', 32));
    const input = `${b64(JSON.stringify(HEADER))}.${b64(payload)}`;
    invalid(`${input}.${createHmac('sha256', key).update(input).digest('base64url')}`);
  });
  test('another spelling of the same bytes: unused trailing bits', () => {
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet[alphabet.indexOf(signature.at(-1)!) ^ 1]!;
    const twin = signature.slice(0, -1) + last;
    expect(Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url'))).toBe(true);
    invalid(`${header}.${payload}.${twin}`);
    // jsonwebtoken compares HMACs as text, but decodes what a key pair signed.
    const pair = tokensOf(ec().jwk);
    const signed = pair.mintLink(link);
    expect(pair.readLink(signed).id).toBe(link.id);
    const other = signed.slice(0, -1) + alphabet[alphabet.indexOf(signed.at(-1)!) ^ 1]!;
    expect(() => pair.readLink(other)).toThrow(TokenInvalid);
  });
  test('the public key used as a shared secret', () => {
    const { jwk, publicPem } = ec();
    const asymmetric = tokensOf(jwk);
    const input = `${b64(JSON.stringify({ ...HEADER, kid: jwk.kid }))}.${b64(JSON.stringify(claims()))}`;
    const signature = createHmac('sha256', publicPem).update(input).digest('base64url');
    expect(() => asymmetric.readLink(`${input}.${signature}`)).toThrow(TokenInvalid);
  });
});

test('a token of one purpose does not verify as another, even with its purpose claim changed', () => {
  const other = forge(JSON.stringify(HEADER), JSON.stringify(claims({ purpose: 'magic-link' })), 'password-reset');
  invalid(other);
  const right = forge(JSON.stringify(HEADER), JSON.stringify(claims({ purpose: 'magic-link' })), 'magic-link');
  expect(tokens.readLink(right).purpose).toBe('magic-link');
});

test('a code is no link and a link is no code', () => {
  const code = tokens.mintCode(link, 300, false);
  expect(tokens.readCode(code)).toEqual({
    id: link.id,
    app: 'default',
    purpose: 'password-reset',
    expired: false,
    redeemedOnPage: false,
    bound: false,
  });
  invalid(code);
  expect(() => tokens.readCode(good)).toThrow(TokenInvalid);
});

test('a code lives as long as asked, never longer than the link', () => {
  const life = (lifetime: number): number => parts(tokens.mintCode(link, lifetime, false))[1].exp - NOW / 1000;
  expect(life(300)).toBe(300);
  expect(life(900)).toBe(600);
});

test('a code has exactly its claims, and says what happened before it', () => {
  clock.time = NOW + 1999;
  const used = { ...link, redeemedAt: NOW };
  expect(parts(tokens.mintCode(used, 900, true))).toEqual([
    { alg: 'HS256', kid: 'key-1', typ: 'oncelink-code+jwt' },
    {
      iss: ISSUER,
      aud: 'default',
      jti: link.id,
      purpose: 'password-reset',
      redeemed: true,
      bound: true,
      iat: NOW / 1000 + 1,
      exp: NOW / 1000 + 901,
    },
  ]);
  expect(tokens.readCode(tokens.mintCode(used, 900, true))).toMatchObject({ redeemedOnPage: true, bound: true });
  expect(parts(tokens.mintCode({ ...link, expiresAt: NOW + 600_999 }, 900, false))[1].exp).toBe(NOW / 1000 + 600);
});

test("a mail's report is good for 30 days, and for nothing else", () => {
  const report = tokens.mintReport(sampleLink({ ...link, issuedAt: NOW + 999 }));
  expect(parts(report)).toEqual([
    { alg: 'HS256', kid: 'key-1', typ: 'oncelink-report+jwt' },
    {
      iss: ISSUER,
      aud: 'default',
      jti: link.id,
      purpose: 'password-reset',
      iat: NOW / 1000,
      exp: NOW / 1000 + 2_592_000,
    },
  ]);
  expect(tokens.readReport(report)).toEqual({
    id: link.id,
    app: 'default',
    purpose: 'password-reset',
    expired: false,
    redeemedOnPage: false,
    bound: false,
  });
  invalid(report);
  expect(() => tokens.readCode(report)).toThrow(TokenInvalid);
  for (const token of [good, tokens.mintCode(link, 300, false)])
    expect(() => tokens.readReport(token)).toThrow(TokenInvalid);
});

test('a report and a code need each of their claims', () => {
  const kinds = [
    ['oncelink-report+jwt', tokens.mintReport(link), (token: string) => tokens.readReport(token)],
    ['oncelink-code+jwt', tokens.mintCode(link, 300, false), (token: string) => tokens.readCode(token)],
  ] as const;
  for (const [typ, token, read] of kinds) {
    const header = JSON.stringify({ ...HEADER, typ });
    const payload = parts(token)[1] as Record<string, unknown>;
    const sign = (change: object): string =>
      forge(header, JSON.stringify({ ...payload, ...change }), 'password-reset', typ);
    expect(read(sign({})).id).toBe(link.id);
    for (const name of Object.keys(payload)) {
      expect(() => read(sign({ [name]: undefined }))).toThrow(TokenInvalid);
      expect(() => read(sign({ [name]: [payload[name]] }))).toThrow(TokenInvalid);
    }
  }
});

test('whose time has not come does not sign yet, but verifies', () => {
  const next = { ...OCT, kid: 'next', k: b64(randomBytes(32)), nbf: NOW / 1000 + 60 };
  const both = tokensOf(next, OCT);
  expect(parts(both.mintLink(link))[0].kid).toBe('key-1');
  const nonce = both.formNonce(good);
  clock.time += 60_000;
  expect(parts(both.mintLink(link))[0].kid).toBe('next');
  expect(both.readLink(good).id).toBe(link.id);
  expect(both.formNonce(good)).not.toBe(nonce);
  expect(both.isFormNonce(good, nonce)).toBe(true);
});

test('a one-time code is a MAC of the id, and a form nonce one of the token, each under a key of its own', () => {
  const mac = (label: string, text: string): Buffer =>
    createHmac('sha256', Buffer.from(hkdfSync('sha256', SECRET, '', `oncelink mac ${label}`, 32)))
      .update(text)
      .digest();
  expect(tokens.oneTimeCode(link.id)).toBe(spellCode(mac('one-time code', link.id)));
  expect(tokens.isOneTimeCode(link.id, tokens.oneTimeCode(link.id))).toBe(true);
  expect(tokens.isOneTimeCode(link.id, tokens.oneTimeCode(sampleLink().id))).toBe(false);
  const rotated = tokensOf({ ...OCT, kid: 'new', k: b64(randomBytes(32)) }, OCT);
  expect(rotated.isOneTimeCode(link.id, tokens.oneTimeCode(link.id))).toBe(true);
  expect(tokens.formNonce(good)).toBe(mac('form', good).toString('base64url'));
});

test.each(['HS256', 'ES256', 'RS256'])('%s signs and verifies, and a retired key still verifies', (alg) => {
  const jwk = alg === 'HS256' ? OCT : alg === 'ES256' ? ec().jwk : rsa();
  const old = tokensOf(jwk).mintLink(link);
  const rotated = tokensOf({ ...OCT, kid: 'new', k: b64(randomBytes(32)) }, jwk);
  expect(rotated.readLink(old)).toMatchObject({ id: link.id });
  expect(parts(rotated.mintLink(link))[0].kid).toBe('new');
  expect(() => tokensOf({ ...OCT, kid: 'new', k: b64(randomBytes(32)) }).readLink(old)).toThrow(TokenInvalid);
});

// Many more, and of more kinds, are tried in test/security.
test('no mutation of a token is accepted (seed printed on failure)', () => {
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.constantFrom(...'ABCxyz019-_.=+/ \n\0é'),
      fc.constantFrom('replace', 'insert', 'delete'),
      (at, char, how) => {
        const mutant = good.slice(0, at) + (how === 'delete' ? '' : char) + good.slice(how === 'insert' ? at : at + 1);
        if (mutant !== good) expect(() => tokens.readLink(mutant)).toThrow(TokenInvalid);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('only public halves are published', () => {
  const { jwk } = ec();
  expect(ringOf(OCT).publicJwks()).toEqual({ keys: [] });
  const [published] = ringOf(jwk, OCT).publicJwks().keys;
  expect(published).toEqual({ kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y, kid: jwk.kid, alg: 'ES256', use: 'sig' });
});

test("the form's nonce belongs to one token and survives a rotation", () => {
  const nonce = tokens.formNonce(good);
  expect(tokensOf({ ...OCT, kid: 'new', k: b64(randomBytes(32)) }, OCT).isFormNonce(good, nonce)).toBe(true);
  expect(tokens.isFormNonce(`${good}x`, nonce)).toBe(false);
  expect(tokens.isFormNonce(good, '')).toBe(false);
});

function ec(namedCurve = 'P-256'): { jwk: Record<string, any>; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return {
    jwk: { ...privateKey.export({ format: 'jwk' }), kid: 'ec-1', alg: 'ES256' },
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}
function rsa(modulusLength = 3072): Record<string, any> {
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('rsa', { modulusLength });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'rsa-1', alg: 'RS256' };
}
