import { z } from 'zod';
import { NotFound, RequestInvalid } from '../../src/links/errors.js';
import { DELIVERY_STATUSES } from '../../src/links/link.js';
import * as requests from '../../src/links/requests.js';

const { parseRequest, mintRequest, redeemRequest, inspectRequest, listRequest } = requests;

/** What is wrong with each member; '' for the whole. */
function faults(schema: z.ZodType, body: unknown): Record<string, string> {
  try {
    parseRequest(schema, body);
    return {};
  } catch (error) {
    if (!(error instanceof RequestInvalid)) throw error;
    return Object.fromEntries(error.errors.map(({ pointer, detail }) => [pointer, detail]));
  }
}
const places = (schema: z.ZodType, body: unknown): string[] => Object.keys(faults(schema, body));

const MINT = { purpose: 'magic-link', recipient: 'ann@example.com', subject: 'user_42' };
const NOTIFY = MINT;
const TOKEN = { purpose: 'magic-link', token: 't' };
const CODE = { purpose: 'magic-link', id: 'i', oneTimeCode: 'c' };
const ID = 'x'.repeat(30);

test('a mint says little, and the rest is filled in', () =>
  expect(parseRequest(mintRequest, MINT)).toEqual({
    ...MINT,
    delivery: 'email',
    data: {},
    templateData: {},
    decoy: false,
  }));

test('a mint may say all of it', () => {
  const all = {
    ...MINT,
    locale: 'de-AT',
    delivery: 'return',
    expiresIn: 1,
    redirectUri: 'https://app.example.com/',
    data: { any: [{ thing: null }] },
    templateData: { name: 'Ann', count: 1.5, vip: true, nick: null },
    fingerprint: 'v1',
    codeChallenge: 'A'.repeat(43),
    clientIp: '2001:db8::1',
    decoy: true,
  };
  expect(parseRequest(mintRequest, all)).toEqual(all);
});

test('a text that is too long is told how long it may be', () =>
  expect(faults(mintRequest, { ...MINT, purpose: 'p'.repeat(41) })).toEqual({
    '/purpose': expect.stringMatching(/\b40 characters/),
  }));

describe('the length of a text', () => {
  test.each<[string, z.ZodType, object, number, number]>([
    ['purpose', mintRequest, MINT, 1, 40],
    ['recipient', mintRequest, MINT, 3, 254],
    ['subject', mintRequest, MINT, 1, 128],
    ['locale', mintRequest, MINT, 2, 35],
    ['redirectUri', mintRequest, MINT, 0, 2048],
    ['fingerprint', mintRequest, MINT, 1, 256],
    ['purpose', requests.notificationRequest, NOTIFY, 1, 40],
    ['locale', requests.notificationRequest, NOTIFY, 2, 35],
    ['codeVerifier', inspectRequest, TOKEN, 1, 256],
    ['id', redeemRequest, CODE, 1, 64],
    ['oneTimeCode', redeemRequest, CODE, 1, 64],
    ['messageId', requests.bounceRequest, { recipient: MINT.recipient, kind: 'hard' }, 1, 320],
  ])('%s', (name, schema, body, least, most) => {
    const placesFor = (length: number): string[] => places(schema, { ...body, [name]: 'x'.repeat(length) });
    expect([placesFor(least), placesFor(most)]).toEqual([[], []]);
    expect(placesFor(most + 1)).toEqual([`/${name}`]);
    if (least > 0) expect(placesFor(least - 1)).toEqual([`/${name}`]);
  });
});

test.each(['a b', ' a', 'a ', '\na', 'a\u202e', '\u0007a', 'a\u00a0b', 'a\ud800'])('%j is no subject', (subject) =>
  expect(places(mintRequest, { ...MINT, subject })).toEqual(['/subject']),
);
test.each(['ü', 'user|42', '😀', '\u4e2d'])('%j is a subject', (subject) =>
  expect(places(mintRequest, { ...MINT, subject })).toEqual([]),
);

test('every spelling that a SHA-256 has is a codeChallenge, and no other', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const last of letters) {
    const codeChallenge = `${'A'.repeat(42)}${last}`;
    const spelling = Buffer.from(codeChallenge, 'base64url').toString('base64url');
    expect(places(mintRequest, { ...MINT, codeChallenge })).toEqual(spelling === codeChallenge ? [] : ['/codeChallenge']); // prettier-ignore
  }
});

describe('a mint is refused', () => {
  test.each<[string, unknown]>([
    ['/delivery', 'sms'],
    ['/delivery', null],
    ['/expiresIn', 0],
    ['/expiresIn', 1.5],
    ['/expiresIn', '60'],
    ['/data', []],
    ['/data', { big: 'x'.repeat(4096 - '{"big":""}'.length + 1) }],
    ['/data', { wide: 'ü'.repeat(2100) }],
    ['/codeChallenge', 'A'.repeat(42)],
    ['/codeChallenge', 'A'.repeat(44)],
    ['/codeChallenge', `${'A'.repeat(42)}=`],
    ['/codeChallenge', `${'A'.repeat(42)}B`],
    ['/codeChallenge', `${'A'.repeat(42)}9`],
    ['/codeChallenge', `${'A'.repeat(42)}_`],
    ['/codeChallenge', `!${'A'.repeat(43)}`],
    ['/codeChallenge', `${'A'.repeat(43)}!`],
    ['/clientIp', 'localhost'],
    ['/clientIp', '::ffff:255.255.255.255%0123456789012345678901234567890'],
    ['/decoy', 'yes'],
    ['/templateData', { name: 'x'.repeat(201) }],
    ['/templateData', { name: 'a\nb' }],
    ['/templateData', { name: '\u202eb' }],
    ['/templateData', { name: 'a\u2028' }],
    ['/templateData', { name: ['x'] }],
    ['/templateData', 'x'],
  ])('at %s (%#)', (pointer, value) =>
    expect(places(mintRequest, { ...MINT, [pointer.slice(1)]: value })).toEqual([pointer]),
  );

  test('for what is just short enough it is not', () => {
    expect(places(mintRequest, { ...MINT, data: { big: 'x'.repeat(4096 - '{"big":""}'.length) } })).toEqual([]);
    expect(places(mintRequest, { ...MINT, templateData: { name: 'ü'.repeat(200), empty: '' } })).toEqual([]);
  });
});

test('what proves a link is given once, and a one-time code with its id', () => {
  const all = { purpose: 'p', token: 't', code: 'c', id: 'i', oneTimeCode: 'o' };
  const accepted = (schema: z.ZodType, ...names: (keyof typeof all)[]): boolean =>
    places(schema, Object.fromEntries(['purpose', ...names].map((name) => [name, all[name as keyof typeof all]])))
      .length === 0;
  expect(accepted(inspectRequest, 'token')).toBe(true);
  expect(accepted(inspectRequest, 'code')).toBe(true);
  expect(accepted(inspectRequest, 'token', 'code')).toBe(false);
  expect(accepted(inspectRequest)).toBe(false);
  expect(accepted(redeemRequest, 'token')).toBe(true);
  expect(accepted(redeemRequest, 'code')).toBe(true);
  expect(accepted(redeemRequest, 'id', 'oneTimeCode')).toBe(true);
  for (const names of [
    [],
    ['token', 'code'],
    ['id'],
    ['oneTimeCode'],
    ['token', 'oneTimeCode'],
    ['token', 'id'],
    ['token', 'id', 'oneTimeCode'],
    ['token', 'code', 'id', 'oneTimeCode'],
  ] as (keyof typeof all)[][])
    expect([names, accepted(redeemRequest, ...names)]).toEqual([names, false]);
  expect(places(redeemRequest, { purpose: 'p' })).toEqual(['']);
});

test('whose links are revoked is said by subject or recipient', () => {
  const { revokeRequest } = requests;
  expect([{ subject: 's' }, { recipient: 'a@b.cd' }, { subject: 's', recipient: 'a@b.cd', purpose: 'p' }].map((body) => places(revokeRequest, body))).toEqual([[], [], []]); // prettier-ignore
  expect([{}, { purpose: 'p' }].map((body) => places(revokeRequest, body))).toEqual([[''], ['']]);
});

describe('a list', () => {
  test.each(['1', '9', '10', '99', '100', '199', '200'])('of %s', (limit) =>
    expect(parseRequest(listRequest, { limit })).toEqual({ limit: Number(limit) }),
  );
  test.each(['0', '01', '201', '300', '1000', '-1', '1.5', 'x', '', '1x', 'x1', 'x200', '2000', 'x100', '1000'])(
    'is never of %j',
    (limit) => expect(places(listRequest, { limit })).toEqual(['/limit']),
  );

  test('goes on from a cursor', () => {
    const at = (schema: z.ZodType, cursor: string): boolean => places(schema, { cursor }).length === 0;
    for (const schema of [listRequest, requests.listMessagesRequest]) {
      expect(at(schema, ID)).toBe(true);
      for (const wrong of ['', ID.slice(1), `${ID}x`, `!${ID}`, `${ID}!`, `!${ID.slice(1)}`])
        expect(at(schema, wrong)).toBe(false);
    }
    const key = 'k'.repeat(22);
    for (const right of [`${key}.*`, `${key}.magic-link`, `${key}.${'a'.repeat(40)}`])
      expect([right, at(requests.listSuppressionsRequest, right)]).toEqual([right, true]);
    for (const wrong of [
      key,
      `${key}.`,
      `${key}.A`,
      `${key}.**`,
      `x${key}.*`,
      `${key}.${'a'.repeat(41)}`,
      `!${key.slice(1)}.*`,
      `${key}x*`,
      `${key}.*\n`,
    ])
      // prettier-ignore
      expect([wrong, at(requests.listSuppressionsRequest, wrong)]).toEqual([wrong, false]);
  });

  test('is narrowed by what a link or a mail can be', () => {
    const statuses = ['active', 'redeemed', 'expired', 'revoked', 'superseded'];
    for (const status of statuses) expect(parseRequest(listRequest, { status })).toEqual({ status });
    for (const status of DELIVERY_STATUSES)
      expect(places(requests.listMessagesRequest, { status })).toEqual(status === 'none' ? ['/status'] : []);
    const filter = { subject: 's', recipient: 'ann@example.com', purpose: 'p' };
    expect(parseRequest(listRequest, filter)).toEqual(filter);
    expect(places(listRequest, { status: 'queued' })).toEqual(['/status']);
    for (const status of ['queued', 'sending', 'sent', 'failed', 'abandoned', 'suppressed', 'cancelled'])
      expect(parseRequest(requests.listMessagesRequest, { status })).toEqual({ status });
    expect(places(requests.listSuppressionsRequest, { recipient: 'x' })).toEqual(['/recipient']);
  });
});

test.each([
  ['hard', []],
  ['soft', []],
  ['complaint', []],
  ['other', ['/kind']],
])('a bounce may be %s', (kind, wrong) =>
  expect(places(requests.bounceRequest, { recipient: 'ann@example.com', kind })).toEqual(wrong),
);

describe('a refusal', () => {
  test('tells every fault at its member, without repeating anything', () =>
    expect(faults(mintRequest, { purpose: 'p', recipient: 7, templateData: { secret: {} }, decoy: null })).toEqual({
      '/recipient': 'has the wrong type: expected string',
      '/subject': 'is required: expected string',
      '/templateData': 'must be a string of one line and at most 200 characters, a number, a boolean or null',
      '/decoy': 'has the wrong type: expected boolean',
    }));

  test('says what its member must be', () => {
    expect(faults(mintRequest, { ...MINT, subject: 'a b' })['/subject']).toContain('printable characters');
    expect(parseRequest(mintRequest, { ...MINT, delivery: 'email' }).delivery).toBe('email');
  });

  test('of a choice names those there are', () => {
    const choices = 'hard, soft, complaint';
    const { recipient } = MINT;
    expect(faults(requests.bounceRequest, {})).toEqual({
      '/recipient': 'is required: expected string',
      '/kind': `is required: expected one of ${choices}`,
    });
    expect(faults(requests.bounceRequest, { recipient, kind: 'foo' })).toEqual({
      '/kind': `must be one of ${choices}`,
    });
    expect(faults(listRequest, { status: 'foo' })).toEqual({
      '/status': 'must be one of active, redeemed, expired, revoked, superseded',
    });
  });

  test('of an unknown member names those there are', () => {
    expect(faults(requests.revokeRequest, { subject: 's', hacked: 1 })).toEqual({
      '': 'has a member that is not known here; it takes subject, recipient, purpose',
    });
    const nested = z.strictObject({ 'a/b~c': z.strictObject({ list: z.array(z.strictObject({})) }) });
    expect(faults(nested, { 'a/b~c': { list: [{}, { hacked: 1 }] } })).toEqual({
      '/a~1b~0c/list/1': 'has a member that is not known here',
    });
    expect(faults(z.strictObject({}), { hacked: 1 })).toEqual({ '': 'has a member that is not known here' });
    expect(faults(z.strictObject({ '/~/~': z.string() }), { '/~/~': 1 })).toEqual({
      '/~1~0~1~0': 'has the wrong type: expected string',
    });
  });

  test('for a body that is no object is about the whole', () => {
    for (const body of [undefined, null, 'text', []]) expect(places(mintRequest, body)).toEqual(['']);
  });
});

test('the schemas have the names that the API description shows', () => {
  const named = Object.values(requests).filter((value) => value instanceof z.ZodType);
  expect(named.map((schema) => schema.meta()?.id).sort()).toEqual([
    'BounceRequest',
    'InspectRequest',
    'ListMessagesRequest',
    'ListRequest',
    'ListSuppressionsRequest',
    'MintRequest',
    'NotificationRequest',
    'RedeemRequest',
    'RevokeRequest',
  ]);
});

describe('a number in data that JavaScript would come back with another', () => {
  const { MAX_SAFE_INTEGER } = Number;
  test.each([MAX_SAFE_INTEGER + 1, -MAX_SAFE_INTEGER - 1, Infinity])('is refused wherever it stands: %d', (number) => {
    for (const data of [{ number }, { a: [1, number] }, { a: { b: number, c: 1 } }, { a: [{ b: [number] }], c: null }])
      expect(places(mintRequest, { ...MINT, data })).toEqual(['/data']);
  });
  test.each([MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, 0.1])('is none of %d', (number) => {
    const data = { number, a: [null, 'text', { b: number }], c: true };
    expect(places(mintRequest, { ...MINT, data })).toEqual([]);
  });
});

test('what has not the form of an id is nobody’s, and is not asked for', () => {
  const otherwise = new NotFound('link');
  expect(() => requests.requireId(ID, otherwise)).not.toThrow();
  for (const id of ['', `${ID}x`, ID.slice(1), `${ID.slice(1)}\0`, `${ID.slice(1)}.`])
    expect(() => requests.requireId(id, otherwise)).toThrow(otherwise);
});

// What cannot be compiled is walked anew for every request, and nobody would notice.
const schemas = Object.entries(requests).filter(([, schema]) => schema instanceof z.ZodType);
test.each(schemas)('%s can be compiled', (_name, schema) =>
  expect(() => z.compile(schema as z.ZodType, { strict: true })).not.toThrow(),
);
