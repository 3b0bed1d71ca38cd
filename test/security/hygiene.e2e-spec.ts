import { METHODS, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import { API_KEY, eventually, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { STATUS_OF } from '../support/problem.js';
import { Visitor } from '../support/visitor.js';
import { send, SlowConnection, type WireAnswer } from './wire.js';

const PUBLIC_URL = 'https://links.example.com';
const EVIL = 'evil.example';
const KEY = `Authorization: Bearer ${API_KEY}`;

let service: TestService;
let live: { id: string; token: string };
beforeAll(async () => {
  service = await startService({ env: { PUBLIC_URL, REDIRECT_URIS: 'https://app.example/callback' } });
  live = await service.mintReturned();
});
afterEach(async () => expect((await inspect()).status).toBe(200));
afterAll(async () => {
  const { status } = await service.api('POST', '/v1/links/redeem', { token: live.token, purpose: 'password-reset' });
  await service.stop();
  expect(status).toBe(200);
});

const inspect = (): Promise<Answer> =>
  service.api('POST', '/v1/links/inspect', { token: live.token, purpose: 'password-reset' });
const wire = (...lines: string[]): Promise<WireAnswer[]> => send(service.port, lines.join('\r\n'));
/** One request that ends its connection. */
const one = async (first: string, headers: readonly string[], body: string | Buffer = ''): Promise<WireAnswer> => {
  const head = [first, ...headers, 'Connection: close', '', ''].join('\r\n');
  const answers = await send(service.port, Buffer.concat([Buffer.from(head), Buffer.from(body)]));
  expect(answers).toHaveLength(1);
  return answers[0]!;
};
const json = (body: string | Buffer): string[] => [
  'Content-Type: application/json',
  `Content-Length: ${Buffer.byteLength(body)}`,
];
const post = (path: string, body: string | Buffer, headers: readonly string[] = []): Promise<WireAnswer> =>
  one(`POST ${path} HTTP/1.1`, ['Host: localhost', KEY, ...json(body), ...headers], body);
const mint = JSON.stringify(mintBody({ delivery: 'return' }));

function expectProblem(answer: WireAnswer, code: string, status: number): void {
  expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({
    status,
    type: 'application/problem+json; charset=utf-8',
  });
  expect(JSON.parse(answer.body)).toMatchObject({ code, status });
}

/** Every place at which a sender can claim to have reached us by another name. */
const CLAIMS: [string, string[], string?][] = [
  ['Host', [`Host: ${EVIL}`]],
  ['a second Host', ['Host: localhost', `Host: ${EVIL}`]],
  ['Host with a port', [`Host: localhost:80@${EVIL}`]],
  ['X-Forwarded-Host', ['Host: localhost', `X-Forwarded-Host: ${EVIL}`]],
  ['two of X-Forwarded-Host', ['Host: localhost', `X-Forwarded-Host: ${EVIL}`, `X-Forwarded-Host: ${EVIL}`]],
  ['X-Forwarded-Proto', ['Host: localhost', 'X-Forwarded-Proto: http', 'X-Forwarded-Ssl: off', 'Front-End-Https: off']],
  ['X-Forwarded-Prefix', ['Host: localhost', `X-Forwarded-Prefix: //${EVIL}`, `X-Script-Name: //${EVIL}`]],
  ['X-Forwarded-Port', ['Host: localhost', 'X-Forwarded-Port: 6666', `X-Forwarded-Server: ${EVIL}`]],
  ['Forwarded', ['Host: localhost', `Forwarded: for=1.2.3.4;host=${EVIL};proto=http`]],
  ['X-Original-URL', ['Host: localhost', `X-Original-URL: //${EVIL}/`, `X-Rewrite-URL: //${EVIL}/`]],
  ['X-Host and its like', ['Host: localhost', `X-Host: ${EVIL}`, `X-HTTP-Host-Override: ${EVIL}`, `Base-Url: ${EVIL}`]],
  ['an absolute form', [`Host: ${EVIL}`], `http://${EVIL}`],
];

describe.each(CLAIMS)('%s reaches', (_name, headers, origin = '') => {
  // In their place: four letters or figures alone are sooner or later in some random id.
  const nothingOf = (answer: WireAnswer): void => {
    for (const [name, value] of answer.headers) expect(`${name}: ${value}`).not.toMatch(/evil\.|:6666\b|http:/);
    expect(answer.body).not.toMatch(/evil\.|:6666\b/);
  };

  test('no minted link', async () => {
    const body = JSON.stringify(mintBody({ delivery: 'return' }));
    const answer = await one(`POST ${origin}/v1/links HTTP/1.1`, [...headers, KEY, ...json(body)], body);
    nothingOf(answer);
    if (origin === '') expect(JSON.parse(answer.body).url).toMatch(/^https:\/\/links\.example\.com\/l\//);
  });

  test('no redirect and no cookie of the pages', async () => {
    const link = await service.mintReturned();
    const answer = await one(`GET ${origin}/l/${link.token} HTTP/1.1`, headers);
    nothingOf(answer);
    if (origin !== '') return;
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`/links/${link.id}`);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Secure-oncelink=[^;]+; Max-Age=\d+; Path=\/links\/[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    );
    const cookie = `Cookie: ${answer.headers.get('set-cookie')!.split(';')[0]}`;
    const page = await one(`GET /links/${link.id} HTTP/1.1`, [...headers, cookie]);
    nothingOf(page);
    expect(page.body).toContain(`action="/links/${link.id}"`);
    const pressed = await one(`POST /links/${link.id} HTTP/1.1`, [
      ...headers,
      cookie,
      'Sec-Fetch-Site: same-origin',
      'Content-Length: 0',
    ]);
    nothingOf(pressed);
    expect(pressed.headers.get('location')).toMatch(/^https:\/\/app\.example\/callback\?code=/);
  });

  test('no documentation, no health', async () => {
    for (const path of ['/docs', '/openapi.json', '/health/ready', '/nothing']) {
      nothingOf(await one(`GET ${origin}${path} HTTP/1.1`, headers));
    }
  });
});

test.each([
  ['Authorization: Bearer olk_other_0123456789abcdef01234567', 'unauthorized', 401],
  [KEY, 'unauthorized', 401],
  ['Content-Type: text/plain', 'unsupported_media_type', 415],
  ['Content-Type: application/json', 'unsupported_media_type', 415],
  ['Content-Length: 2', 'request_invalid', 400],
])('a second %s is refused, not guessed about', async (second, code, status) => {
  for (const body of [mint, '{}']) expectProblem(await post('/v1/links', body, [second]), code, status);
});

test('a second Idempotency-Key is refused', async () => {
  expectProblem(await post('/v1/links', mint, ['Idempotency-Key: a', 'Idempotency-Key: b']), 'request_invalid', 422);
});

describe('forwarded addresses count', () => {
  /** Fails as often as the throttle allows, each time from another claimed address. */
  async function flood(instance: TestService, headers: (n: number) => Record<string, string>): Promise<number[]> {
    const statuses = new Set<number>();
    for (let n = 0; n < 110; n++)
      statuses.add((await instance.request('GET', '/v1/links', { headers: headers(n) })).status);
    return [...statuses];
  }
  const claim = (n: number) => ({
    'x-forwarded-for': `198.51.100.${n}`,
    forwarded: `for=198.51.100.${n}`,
    'x-real-ip': `198.51.100.${n}`,
  });

  test('for nobody without TRUST_PROXY: claiming others does not escape the throttle', async () => {
    const alone = await startService();
    try {
      expect(await flood(alone, claim)).toEqual([401, 429]);
    } finally {
      await alone.stop();
    }
  });

  test('from the proxy next to us with TRUST_PROXY=1, and only what that one added', async () => {
    const behind = await startService({ env: { TRUST_PROXY: '1' } });
    try {
      expect(await flood(behind, claim)).toEqual([401]);
      expect(await flood(behind, (n) => ({ 'x-forwarded-for': `198.51.100.${n}, 203.0.113.9` }))).toEqual([401, 429]);
      // Of IPv6 nobody has less than a /64 to come from.
      expect(await flood(behind, (n) => ({ 'x-forwarded-for': `2001:db8:0:${n}::1` }))).toEqual([401]);
      expect(await flood(behind, (n) => ({ 'x-forwarded-for': `2001:db8:1::${n}:1` }))).toEqual([401, 429]);
    } finally {
      await behind.stop();
    }
  });

  test('not at all from a proxy that is not the named one', async () => {
    const behind = await startService({ env: { TRUST_PROXY: '192.0.2.1' } });
    try {
      expect(await flood(behind, claim)).toEqual([401, 429]);
    } finally {
      await behind.stop();
    }
  });
});

describe('methods', () => {
  const paths = async (): Promise<[string, string[]][]> => {
    const { body } = await service.request('GET', '/openapi.json');
    return Object.entries(body.paths as Record<string, object>).map(([path, item]) => [
      path.replace(/\{\w+\}/g, 'some-id'),
      Object.keys(item).map((method) => method.toUpperCase()),
    ]);
  };
  const PAGES: [string, string[]][] = [
    ['/l/some-token', ['GET', 'HEAD']],
    ['/links/some-id', ['GET', 'HEAD', 'POST']],
    ['/links/some-id/renew', ['POST']],
    ['/links/some-id/report', ['GET', 'HEAD', 'POST']],
    ['/r/some-token', ['GET', 'HEAD']],
    ...['/openapi.json', '/docs', '/health/live', '/health/ready', '/metrics', '/.well-known/jwks.json'].map(
      (path): [string, string[]] => [path, ['GET', 'HEAD']],
    ),
  ];

  test('every known path answers every other method of HTTP with 405 and Allow, TRACE among them', async () => {
    for (const [path, known] of [...(await paths()), ...PAGES]) {
      for (const method of METHODS.filter((name) => name !== 'CONNECT' && name !== 'HEAD' && !known.includes(name))) {
        const answer = await one(`${method} ${path} HTTP/1.1`, ['Host: localhost', KEY]);
        expect([method, path, answer.status]).toEqual([method, path, 405]);
        expect(answer.headers.get('allow')!.split(', ')).toEqual(expect.arrayContaining(known));
        expect(answer.body).not.toContain(API_KEY);
      }
    }
  });

  test('what is no method, and CONNECT, never reach a route', async () => {
    for (const method of ['FOO', 'get', 'GE T', '']) {
      expectProblem(await one(`${method} /health/live HTTP/1.1`, ['Host: localhost']), 'request_invalid', 400);
    }
    const [refused] = await wire('CONNECT 127.0.0.1:25 HTTP/1.1', 'Host: localhost', '', '');
    expect(refused?.status ?? 'hung up').not.toBe(200);
  });

  test('overriding the method does not', async () => {
    const headers = ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: POST'];
    expect((await one('GET /health/live?_method=DELETE HTTP/1.1', ['Host: localhost', ...headers])).status).toBe(200);
    expect(
      (await one(`GET /v1/links/${live.id}/revoke?_method=POST HTTP/1.1`, ['Host: localhost', KEY, ...headers])).status,
    ).toBe(405);
  });
});

test('no answer permits another origin, and a preflight gets nothing', async () => {
  const cors = [
    `Origin: https://${EVIL}`,
    'Access-Control-Request-Method: POST',
    'Access-Control-Request-Headers: authorization',
  ];
  for (const path of [
    '/v1/links',
    `/v1/links/${live.id}`,
    '/l/x',
    '/links/x',
    '/health/live',
    '/openapi.json',
    '/.well-known/jwks.json',
    '/x',
  ]) {
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await one(`${method} ${path} HTTP/1.1`, ['Host: localhost', ...cors, 'Content-Length: 0']);
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      if (method === 'OPTIONS') expect([404, 405]).toContain(answer.status);
    }
  }
});

test('every answer over https says so for a year, is not sniffed or stored, and names no product', async () => {
  const good = await service.mintReturned();
  const answers = [
    await one('GET /health/live HTTP/1.1', ['Host: localhost']),
    await one('GET /v1/purposes HTTP/1.1', ['Host: localhost', KEY]),
    await one('GET /v1/purposes HTTP/1.1', ['Host: localhost']),
    await one('GET /nothing HTTP/1.1', ['Host: localhost']),
    await one('DELETE /v1/links HTTP/1.1', ['Host: localhost', KEY]),
    await one('GET /openapi.json HTTP/1.1', ['Host: localhost']),
    await one('GET /docs HTTP/1.1', ['Host: localhost']),
    await one(`GET /l/${good.token} HTTP/1.1`, ['Host: localhost']),
    await one('GET /l/x HTTP/1.1', ['Host: localhost']),
    await one('GET /%zz HTTP/1.1', ['Host: localhost']),
    await post('/v1/links', '{'),
    await post('/v1/links', mint),
    // Bytes that never become a request.
    ...(await wire('nonsense', '', '')),
    ...(await wire('GET / HTTP/1.1', 'Host: localhost', `X: ${'x'.repeat(20_000)}`, '', '')),
  ];
  expect(answers).toHaveLength(14);
  for (const { headers } of answers) {
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=31536000; includeSubDomains$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toContain('no-store');
    for (const name of ['server', 'x-powered-by', 'via', 'x-aspnet-version']) expect(headers.has(name)).toBe(false);
  }
});

test('a service on plain http (loopback) does not speak of https', async () => {
  const plain = await startService();
  try {
    expect((await plain.request('GET', '/health/live')).headers.has('strict-transport-security')).toBe(false);
  } finally {
    await plain.stop();
  }
});

test('a suffix that makes a cache take a page for a file is not found', async () => {
  const { token, id, url } = await service.mintReturned();
  const visitor = new Visitor(service);
  await visitor.open(url);
  for (const suffix of [
    '/x.css',
    '/..%2fx.css',
    '.css',
    ';x.css',
    '%0ax.css',
    '%00.css',
    '%23x.css',
    '%3fx.css',
    '//',
    '/',
  ]) {
    for (const path of [`/l/${token}${suffix}`, `/links/${id}${suffix}`]) {
      const answer = await visitor.get(path);
      expect([path, answer.status]).toEqual([path, answer.status === 400 ? 400 : 404]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.text).not.toContain(id);
    }
  }
});

describe('bodies', () => {
  test('compressed ones are refused, and what decodes them is named', async () => {
    for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'gzip, gzip', 'GZIP', 'nonsense']) {
      for (const body of [gzipSync(mint), Buffer.from(mint)]) {
        expectProblem(await post('/v1/links', body, [`Content-Encoding: ${coding}`]), 'unsupported_media_type', 415);
      }
    }
    expect((await post('/v1/links', JSON.stringify(mintBody()), ['Content-Encoding: identity'])).status).toBe(201);
  });

  test('a charset other than UTF-8 is refused, in JSON and in forms', async () => {
    for (const charset of ['utf-16', 'utf-16le', 'iso-8859-1', 'utf-7', 'us-ascii', 'x', '"utf-32"']) {
      const answer = await one(
        'POST /v1/links HTTP/1.1',
        [
          'Host: localhost',
          KEY,
          `Content-Type: application/json; charset=${charset}`,
          `Content-Length: ${mint.length}`,
        ],
        mint,
      );
      expectProblem(answer, 'unsupported_media_type', 415);
    }
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"']) {
      const body = JSON.stringify(mintBody());
      const answer = await one(
        'POST /v1/links HTTP/1.1',
        [
          'Host: localhost',
          KEY,
          `Content-Type: application/json; charset=${charset}`,
          `Content-Length: ${body.length}`,
        ],
        body,
      );
      expect(answer.status).toBe(201);
    }
  });

  test('a form is no way round strict JSON, however the path is spelled', async () => {
    const form = new URLSearchParams(mintBody() as Record<string, string>).toString();
    for (const path of ['/v1/links', '/%76%31/links', '/v1/%6cinks', '/v%31/links?x']) {
      const answer = await one(
        `POST ${path} HTTP/1.1`,
        ['Host: localhost', KEY, 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`],
        form,
      );
      expectProblem(answer, 'unsupported_media_type', 415);
    }
  });

  test('over 64 KiB: refused by the announced length, and by the count when there is none', async () => {
    const big = `{"x":"${'x'.repeat(70_000)}"}`;
    expectProblem(await post('/v1/links', big), 'payload_too_large', 413);
    const chunked = `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`;
    const headers = ['Host: localhost', KEY, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    expectProblem(await one('POST /v1/links HTTP/1.1', headers, chunked), 'payload_too_large', 413);
    expect(
      (
        await one(
          'POST /links/x HTTP/1.1',
          ['Host: localhost', 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${big.length}`],
          big,
        )
      ).status,
    ).toBe(413);
  });
});

describe('what two servers could read as two different requests', () => {
  const smuggled = `GET /v1/links/${'x'.repeat(30)} HTTP/1.1\r\nHost: localhost\r\n${KEY}\r\n\r\n`;
  const framings: [string, string[], string][] = [
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${smuggled}`],
    ['two lengths', ['Content-Length: 0', `Content-Length: ${smuggled.length}`], smuggled],
    ['a list of lengths', ['Content-Length: 0, 0'], smuggled],
    ['a negative length', ['Content-Length: -1'], smuggled],
    ['a signed length', ['Content-Length: +5'], `hello${smuggled}`],
    ['a length in hexadecimal', ['Content-Length: 0x5'], `hello${smuggled}`],
    ['an unknown transfer coding', ['Transfer-Encoding: cow'], `0\r\n\r\n${smuggled}`],
    ['chunked, but not last', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${smuggled}`],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
    ['a space before the colon', ['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`],
    ['a folded header', ['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${smuggled}`],
    ['a bare carriage return', ['X: a\rTransfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
    ['a bare line feed', ['X: a\nContent-Length: 0'], smuggled],
    ['a NUL in a header', ['X: a\0b'], smuggled],
    ['a chunk size with a sign', ['Transfer-Encoding: chunked'], `+0\r\n\r\n${smuggled}`],
    ['a chunk without its end', ['Transfer-Encoding: chunked'], `1\r\nab\r\n0\r\n\r\n${smuggled}`],
    ['an endless chunk size', ['Transfer-Encoding: chunked'], `${'f'.repeat(20)}\r\n${smuggled}`],
  ];

  test.each(framings)('%s: refused, and the connection ends with it', async (_what, headers, rest) => {
    const answers = await wire(
      'POST /v1/links HTTP/1.1',
      'Host: localhost',
      KEY,
      'Content-Type: application/json',
      ...headers,
      '',
      rest,
    );
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expectProblem(answers[0]!, 'request_invalid', 400);
    expect(answers[0]!.headers.get('connection')).toBe('close');
  });

  test.each([
    'GET /health/live HTTP/9.9',
    'GET /health/live FTP/1.1',
    '\0\0\0\0',
    'SSH-2.0-x',
    '\x16\x03\x01\x02\x00',
    '{}',
  ])('the first line %j: refused', async (line) => {
    const answers = await wire(line, 'Host: localhost', 'Connection: close', '', '');
    expect(answers.map(({ status }) => status)).toEqual([400]);
  });

  test('requests one after another in one go are answered in their order, each for itself', async () => {
    const get = (path: string, ...headers: string[]): string =>
      [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
    const answers = await wire(
      get('/v1/purposes', KEY) +
        get('/v1/purposes') +
        get(`/v1/links/${live.id}`, KEY) +
        get('/nothing') +
        get('/health/live', 'Connection: close'),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 404, 200]);
    expect(JSON.parse(answers[2]!.body).id).toBe(live.id);
  });
});

describe('too much of a header', () => {
  test.each([
    ['one long value', [`X: ${'x'.repeat(20_000)}`]],
    ['many', Array.from({ length: 3_000 }, (_, n) => `X-${n}: x`)],
    ['a long cookie', [`Cookie: oncelink=${'x'.repeat(20_000)}`]],
  ])('%s: 431', async (_what, headers) => {
    const answer = await one('GET /health/live HTTP/1.1', ['Host: localhost', ...headers]);
    expectProblem(answer, 'request_invalid', 431);
  });

  test('a long address: 431 or not found, never a verdict', async () => {
    expect((await one(`GET /l/${'x'.repeat(30_000)} HTTP/1.1`, ['Host: localhost'])).status).toBe(431);
    expect([400, 404, 414]).toContain((await one(`GET /l/${'x'.repeat(12_000)} HTTP/1.1`, ['Host: localhost'])).status);
  });
});

describe('slow senders', () => {
  let server: Server;
  beforeAll(() => (server = service.app.getHttpServer()));

  test('have 30 s for a request and 10 for its header, and idle connections end', () => {
    expect(server.headersTimeout).toBe(10_000);
    expect(server.requestTimeout).toBe(30_000);
    expect(server.keepAliveTimeout).toBeLessThanOrEqual(75_000);
    expect(server.maxHeadersCount === null || server.maxHeadersCount <= 2_000).toBe(true);
  });

  test.each([
    ['a header that dribbles', 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n', 'X-A: b\r\n'],
    [
      'a body that dribbles',
      [
        'POST /v1/links HTTP/1.1',
        'Host: localhost',
        KEY,
        'Content-Type: application/json',
        'Content-Length: 9999',
        '',
        '',
      ].join('\r\n'),
      ' ',
    ],
    [
      'chunks that dribble',
      [
        'POST /v1/links HTTP/1.1',
        'Host: localhost',
        KEY,
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        '',
        '',
      ].join('\r\n'),
      '1\r\n \r\n',
    ],
  ])('%s: 408, and the connection ends, while others are served', async (_what, begin, drip) => {
    const { headersTimeout, requestTimeout } = server;
    // The same rule with less patience.
    Object.assign(server, { headersTimeout: 300, requestTimeout: 600 });
    const slow = new SlowConnection(service.port);
    slow.write(begin);
    const dripping = setInterval(() => slow.write(drip), 50);
    try {
      expect((await inspect()).status).toBe(200);
      await eventually(() => slow.closed, 20);
    } finally {
      clearInterval(dripping);
      slow.destroy();
      Object.assign(server, { headersTimeout, requestTimeout });
    }
    expect(slow.received).toMatch(/^HTTP\/1\.1 408 .*application\/problem\+json/s);
  });
});

test('the statuses of this file are the contract’s', () => {
  expect(STATUS_OF).toMatchObject({ payload_too_large: 413, unsupported_media_type: 415, method_not_allowed: 405 });
});
