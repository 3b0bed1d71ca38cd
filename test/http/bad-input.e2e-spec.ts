import { CANARY, expectProblem } from '../support/problem.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { API_KEY, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';

let service: TestService;
beforeAll(async () => {
  const redirects = ['https://app.example/callback', 'https://app.example/other?keep=1', 'com.example.app:/done'];
  service = await startService({ env: { REDIRECT_URIS: redirects.join(',') } });
});
afterAll(async () => {
  // Whatever was refused in this file, nothing of it was stored.
  const { body } = await service.api('GET', '/v1/links');
  await service.stop();
  expect(body).toEqual({ items: [], nextCursor: null });
  expect(service.inbox.list()).toEqual([]);
});

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  service.api('POST', path, body, headers);
const text = (body: object): string => JSON.stringify(mintBody(body));
/** A body with further members written by hand, before its closing brace. */
const withMembers = (members: string): string => text({}).replace(/\}$/, `,${members}}`);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const ROUTES = ['/v1/links', '/v1/links/redeem', '/v1/links/inspect', '/v1/links/revoke'];

describe.each(ROUTES)('POST %s refuses', (path) => {
  test.each([
    ['text that is no JSON', 'recipient=ann@example.com'],
    ['JSON that stops', '{"purpose": "password-reset"'],
    ['JSON with something after it', '{} {}'],
    ['a comment', '{/* */}'],
    ['a trailing comma', '{"a":1,}'],
    ['single quotes', "{'a':1}"],
    ['NaN', '{"a":NaN}'],
    ['a bare control character', '{"a":"\u0001"}'],
    ['a broken escape in a name', '{"\\u12":1}'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s, as not JSON', async (_what, body) => {
    expectProblem(await post(path, body), 'request_invalid', 400);
  });

  test('bytes that are not UTF-8', async () => {
    const answer = await fetch(service.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { code: string }).code).toBe('request_invalid');
  });

  test.each(['null', '[]', '[{}]', '"text"', '7', 'true', '{}', '[[[]]]'])('the JSON value %s', async (body) => {
    expectProblem(await post(path, body), 'request_invalid');
  });

  test('no body at all', async () => {
    for (const answer of [
      await service.api('POST', path),
      await post(path, '', { 'content-type': 'application/json' }),
    ]) {
      expect([400, 415, 422]).toContain(answer.status);
      expectProblem(answer, answer.body.code, answer.status);
    }
  });

  test.each([
    ['a member twice', `{"subject":"a","subject":"b","${CANARY}":1}`],
    ['a member twice, once escaped', '{"subject":"a","sub\\u006aect":"b"}'],
    ['a member twice with space before its colon', '{"subject" :"a","subject"\n: "b"}'],
    ['a member twice, deep inside', '{"data":{"a":[{"b":1,"c":{"d":1,"d":1}}]}}'],
  ])('%s', async (_what, body) => {
    const answer = await post(path, body);
    expectProblem(answer, 'request_invalid', answer.status);
    expect(answer.body.detail).toMatch(/twice|duplicate/i);
  });

  test.each([17, 18, 1_000, 30_000])('nesting of %i levels', async (depth) => {
    const answer = await post(path, `{"data":${nested(depth - 1)}}`);
    expectProblem(answer, 'request_invalid', answer.status);
    expect(answer.body.detail).toMatch(/nest|deep/i);
  });

  test.each([
    ['over 64 KiB', { 'content-type': 'application/json' }, 64 * 1024 + 1],
    ['over 64 KiB, with a parameter to its type', { 'content-type': 'application/json; charset=utf-8' }, 70_000],
    ['of a megabyte', { 'content-type': 'application/json' }, 1_000_000],
  ])('a body %s', async (_what, headers, size) => {
    expectProblem(await post(path, `"${'x'.repeat(size - 2)}"`, headers), 'payload_too_large');
  });

  test.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-seq',
    'application/jsonp',
    `application/${CANARY}`,
  ])('a body of type %s', async (type) => {
    const body = new URLSearchParams(mintBody() as Record<string, string>).toString();
    expectProblem(await post(path, body, { 'content-type': type }), 'unsupported_media_type');
  });

  test.each([
    `"${CANARY}":1`,
    '"__proto__":{"purpose":"magic-link"}',
    '"constructor":{}',
    '"toString":null',
    '"":1',
    '"Purpose":"x"',
  ])('the unknown member %s', async (member) => {
    expectProblem(await post(path, withMembers(member)), 'request_invalid');
  });
});

test('a body of exactly 64 KiB is not too large', async () => {
  expectProblem(await post('/v1/links/inspect', `{"x":"${'x'.repeat(64 * 1024 - 8)}"}`), 'request_invalid');
});

describe('a mint is refused for its', () => {
  const refused = async (body: object, pointer: RegExp): Promise<void> => {
    const answer = await service.mint(body);
    expectProblem(answer, 'request_invalid');
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual(
      expect.arrayContaining([expect.stringMatching(pointer)]),
    );
  };

  test.each(['purpose', 'recipient', 'subject'])('missing %s', async (name) => {
    await refused({ [name]: undefined }, new RegExp(`^/${name}$`));
  });

  const NOT_TEXT: unknown[] = [null, 7, true, [], ['x'], {}, { toString: 'x' }];
  test.each(['purpose', 'recipient', 'subject', 'locale', 'delivery', 'redirectUri', 'fingerprint', 'codeChallenge'])(
    '%s that is no text',
    async (name) => {
      for (const value of NOT_TEXT) await refused({ [name]: value }, new RegExp(`^/${name}$`));
    },
  );
  test.each(['data', 'templateData'])('%s that is no object', async (name) => {
    for (const value of [null, 7, true, 'x', '{}', [], [{}]])
      await refused({ [name]: value }, new RegExp(`^/${name}$`));
  });
  test('decoy that is no boolean', async () => {
    for (const value of [null, 0, 1, 'true', 'false', '', [], {}]) await refused({ decoy: value }, /^\/decoy$/);
  });
  test('expiresIn that is no whole number within bounds', async () => {
    const wrong = [null, '60', 0, -1, 1.5, 1e300, 86_401, true, [60], {}];
    for (const value of wrong) await refused({ expiresIn: value }, /^\/expiresIn$/);
  });
  test.each([
    '',
    'no-such-purpose',
    'Password-Reset',
    'password-reset ',
    '../password-reset',
    '__proto__',
    'constructor',
    CANARY.repeat(20),
  ])('purpose %s', async (purpose) => {
    await refused({ purpose }, /^\/purpose$/);
  });
  test.each(['EMAIL', '', 'both', 'none', CANARY])('delivery %s', async (delivery) => {
    await refused({ delivery }, /^\/delivery$/);
  });

  test.each(
    [
      '',
      'ann',
      '@',
      '@example.com',
      'ann@',
      'ann@@example.com',
      'ann@b@example.com',
      'ann@example.com, bob@example.com',
      'ann@example.com;bob@example.com',
      'ann@example.com bob@example.com',
      'ann@example.com,',
      'Ann <ann@example.com>',
      '<ann@example.com>',
      `${CANARY} <ann@example.com>`,
      'friends: ann@example.com;',
      'undisclosed-recipients:;',
      'mailto:ann@example.com',
      'ann(comment)@example.com',
      'ann@(comment)example.com',
      'ann@example.com(comment)',
      '"ann"@example.com',
      '"a b"@example.com',
      '"ann@example.com"@evil.example',
      'ann@[127.0.0.1]',
      'ann@[IPv6:::1]',
      'ann@127.0.0.1',
      'ann@2130706433',
      'ann@0x7f.1',
      'ann@example.com\r\nBcc: eve@evil.example',
      'ann\r\n@example.com',
      'ann@example.com\n',
      '\tann@example.com',
      ' ann@example.com',
      'ann@example.com ',
      'ann @example.com',
      'ann@ example.com',
      'ann@exam\u0000ple.com',
      'ann\u202e@example.com',
      'ann@\u202eexample.com',
      'ann@exam\u200bple.com',
      'ann@\u2066example.com',
      '.ann@example.com',
      'ann.@example.com',
      'a..b@example.com',
      'ann\\@example.com',
      'jös@example.com',
      'аnn@example.com',
      `${'a'.repeat(65)}@example.com`,
      `a@${'a'.repeat(64)}.com`,
      `a@${'a.'.repeat(126)}com`,
      `a@${'abcdefgh.'.repeat(28)}com`,
      'ann@example',
      'ann@.com',
      'ann@example.com.',
      'ann@example..com',
      'ann@-example.com',
      'ann@example-.com',
      'ann@exa_mple.com',
      'ann@example.c0m/path',
      'ann@example.com:25',
      'ann@example.com?x',
      'ann@example.com#x',
      'ann@example.com\\x',
      'ann@ex%61mple.com',
      'ann@exam\u00adple.com',
      'ann@ｅxample.com',
      'ann@example。com',
      'ann@example．com',
      'ann@ⓔxample.com',
      'ann@eⅹample.com',
      'ann@boo\u212a.com', // the Kelvin sign, which folds to k
      'ann@\u017fite.com', // the long s, which folds to s
      'ann@xn--.com',
      'ann@xn--a.com',
      'ann＠example.com',
      'ann%00@example.com\u0000',
    ].map((recipient) => [recipient]),
  )('recipient %j', async (recipient) => {
    await refused({ recipient }, /^\/recipient$/);
  });

  test.each(
    [
      '',
      ' ',
      'a b',
      ' a',
      'a ',
      'a\u00a0b',
      'a\tb',
      'a\nb',
      'a\u0000b',
      'a\u007fb',
      'a\u0085b',
      'a\u2028b',
      'a\u202eb',
      'a\u200bb',
      '\ud800',
      '\ufeffa',
      'x'.repeat(129),
    ].map((subject) => [subject]),
  )('subject %j', async (subject) => {
    await refused({ subject }, /^\/subject$/);
  });

  test.each([
    '',
    'e',
    'en_US',
    'en-',
    '-en',
    'en--US',
    'english please',
    'en\n',
    '../../etc',
    'x'.repeat(36),
    'en-a',
    CANARY,
  ])('locale %j', async (locale) => {
    await refused({ locale }, /^\/locale$/);
  });

  test.each(['9007199254740993', '-9007199254740992', '1e400', '-1E400', '1e16'])(
    'data with the number %s, which would come back as another',
    async (number) => {
      const answer = await post('/v1/links', withMembers(`"data":{"a":[{"b":${number}}]}`));
      expectProblem(answer, 'request_invalid');
      expect(answer.body.errors).toEqual([{ pointer: '/data', detail: expect.stringContaining('send it as text') }]);
    },
  );

  test('data over 4 KiB, counted in bytes', async () => {
    await refused({ data: { a: 'x'.repeat(4_096) } }, /^\/data$/);
    await refused({ data: { a: 'ä'.repeat(2_050) } }, /^\/data$/);
    await refused({ data: { [CANARY.repeat(500)]: 1 } }, /^\/data$/);
  });

  test.each(
    [
      { name: {} },
      { name: { toString: 'x' } },
      { name: { path: '/etc/passwd' } },
      { name: { href: 'https://evil.example' } },
      { name: ['x'] },
      { name: 7 },
      { name: true },
      { name: 'x'.repeat(201) },
      { name: 'a\nb' },
      { name: 'a\r\nBcc: eve@evil.example' },
      { name: 'a\u0000b' },
      { name: 'a\u0007b' },
      { name: 'a\u0085b' },
      { name: 'a\u2028b' },
      { name: 'a\u202eb' },
      { name: 'a\u200bb' },
      { unknown: 'x' },
      { Name: 'x' },
      { constructor: 'x' },
      { toString: 'x' },
      { url: 'https://evil.example' },
      { subject: 'x' },
      { [CANARY]: 'x' },
    ].map((templateData) => [templateData]),
  )('templateData %j', async (templateData) => {
    await refused({ templateData }, /^\/templateData(\/|$)/);
  });
  test('templateData with the member __proto__', async () => {
    expectProblem(await post('/v1/links', withMembers('"templateData":{"__proto__":"x"}')), 'request_invalid');
  });

  test.each(['', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}=`, `${'x'.repeat(42)}+`, `${'x'.repeat(42)} `])(
    'codeChallenge %j',
    async (codeChallenge) => {
      await refused({ codeChallenge }, /^\/codeChallenge$/);
    },
  );
  test.each([['', 'x'.repeat(257)]])('fingerprint that is empty or too long', async (...fingerprints) => {
    for (const fingerprint of fingerprints) await refused({ fingerprint }, /^\/fingerprint$/);
  });
});

test.each(
  [
    '',
    '/callback',
    'https://app.example',
    'https://app.example/',
    'https://app.example/callback/',
    'https://app.example/callback?',
    'https://app.example/callback#x',
    'https://app.example/callback?next=https://evil.example',
    'https://app.example/Callback',
    'https://app.example/%63allback',
    'https://app.example/./callback',
    'https://app.example/x/../callback',
    'https://APP.example/callback',
    'HTTPS://app.example/callback',
    'https://app.example:443/callback',
    'https://app.example:444/callback',
    'http://app.example/callback',
    'https://user@app.example/callback',
    'https://app.example@evil.example/callback',
    'https://app.example.evil.example/callback',
    'https://evil.example/https://app.example/callback',
    'https:\\\\app.example\\callback',
    '//app.example/callback',
    ' https://app.example/callback',
    'https://app.example/callback ',
    'https://app.example/callback\n',
    'https://app.example/other',
    'https://app.example/other?keep=2',
    'https://app.example/callback,https://app.example/other?keep=1',
    'com.example.app:/done/',
    'javascript:alert(1)',
    'data:text/html,x',
    `https://${CANARY}.example/`,
  ].map((redirectUri) => [redirectUri]),
)('the redirect URI %j, which is not exactly a registered one, is refused', async (redirectUri) => {
  expectProblem(await service.mint({ redirectUri }), 'redirect_uri_not_allowed');
});
test('a redirect URI of endless length is refused', async () => {
  expectProblem(await service.mint({ redirectUri: `https://app.example/${'x'.repeat(5_000)}` }), 'request_invalid');
});

test.each(['', ' ', 'a b', 'x'.repeat(129), 'schlüssel', 'a\tb'])('the Idempotency-Key %j is refused', async (key) => {
  expectProblem(await service.mint({}, { 'idempotency-key': key }), 'request_invalid');
});

describe('redeem and inspect refuse', () => {
  const token = 'aaaa.bbbb.cccc';
  const purpose = 'password-reset';
  test.each([
    ['neither token nor code', { purpose }],
    ['token and code', { token, code: token, purpose }],
    ['no purpose', { token }],
    ['a token that is no text', { token: 7, purpose }],
    ['an empty token', { token: '', purpose }],
    ['a code that is no text', { code: [token], purpose }],
    ['null for the code', { token, code: null, purpose }],
    ['a purpose that is no text', { token, purpose: [purpose] }],
    ['a fingerprint that is no text', { token, purpose, fingerprint: 1 }],
    ['a verifier that is no text', { token, purpose, codeVerifier: {} }],
  ])('%s', async (_what, body) => {
    for (const path of ['/v1/links/redeem', '/v1/links/inspect']) {
      expectProblem(await service.api('POST', path, body), 'request_invalid');
    }
  });
});

test.each([
  {},
  { purpose: 'password-reset' },
  { subject: '' },
  { subject: null },
  { recipient: 'Ann <ann@example.com>' },
  { recipient: 7 },
  { id: 'x' },
])('revoking by %j is refused', async (body) => {
  expectProblem(await service.api('POST', '/v1/links/revoke', body), 'request_invalid');
});

test.each([
  'limit=0',
  'limit=-1',
  'limit=201',
  'limit=ten',
  'limit=1e2',
  'limit=1.5',
  'limit=',
  'limit=1&limit=2',
  'status=used',
  'status=active&status=redeemed',
  'cursor=x',
  `cursor=${CANARY}`,
  'cursor[]=x',
  'subject=a%20b',
  'subject=%zz',
  'subject=a%',
  'subject=%c3%28',
  'recipient=nobody',
  `${CANARY}=1`,
  'Subject=x',
])('listing with ?%s is refused', async (query) => {
  expectProblem(await service.api('GET', `/v1/links?${query}`), 'request_invalid');
});

test.each(['revoke', 'resend'])('POST /v1/links/{id}/%s takes no body', async (action) => {
  expectProblem(await service.api('POST', `/v1/links/some-id/${action}`, { [CANARY]: 1 }), 'request_invalid');
});

/** Not every text is one to every engine. */
describe.each(['sqlite', 'postgres'])('on %s', (engine) => {
  const templates = new TemplatesCopy();
  let postgres: Postgres | undefined;
  let here: TestService;
  beforeAll(async () => {
    templates.edit('purposes/magic-link/purpose.yaml', 'oneTimeCode: none', 'oneTimeCode: mail');
    postgres = engine === 'postgres' ? await startPostgres() : undefined;
    here = await startService({
      env: {
        TEMPLATES_DIR: templates.directory,
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
      },
    });
  }, 60_000);
  afterAll(async () => {
    await here.stop();
    await postgres?.stop();
    templates.discard();
  });

  const IDS = ['x', 'a'.repeat(500), '%00', 'a%00'.repeat(10), '%0d%0a', "'%20OR%20'1'='1", '..%2f..%2fetc', '%F0%9F%92%A9', '~']; // prettier-ignore
  test.each(IDS)('the id %s is of no link and of no message', async (id) => {
    for (const path of [`links/${id}`, `messages/${id}`])
      expectProblem(await here.api('GET', `/v1/${path}`), 'not_found');
    for (const path of [`links/${id}/revoke`, `links/${id}/resend`, `messages/${id}/requeue`, `messages/${id}/cancel`])
      expectProblem(await here.api('POST', `/v1/${path}`), 'not_found');
    const byCode = { id: decodeURIComponent(id).slice(0, 64), oneTimeCode: '7K2M-9QXT', purpose: 'magic-link' };
    expectProblem(await here.api('POST', '/v1/links/redeem', byCode), 'token_invalid');
  });

  test.each(['\0', 'password-reset\0', 'Password-Reset', 'a b', '-'])('the purpose %j is none', async (purpose) => {
    const query = new URLSearchParams({ purpose }).toString();
    expectProblem(await here.api('GET', `/v1/links?${query}`), 'request_invalid');
    expectProblem(await here.api('POST', '/v1/links/revoke', { subject: 'x', purpose }), 'request_invalid');
    expectProblem(await here.api('POST', '/v1/links', mintBody({ purpose })), 'request_invalid');
    for (const verb of ['redeem', 'inspect'])
      expectProblem(await here.api('POST', `/v1/links/${verb}`, { token: 'a.b.c', purpose }), 'token_invalid');
  });
});
