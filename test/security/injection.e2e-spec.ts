import { tell } from '../faults/size.js';
import { addApp } from '../support/apps.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { expectProblem } from '../support/problem.js';
import { Relay, urlIn } from '../support/relay.js';
import { eventually, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { codeIn, Visitor } from '../support/visitor.js';
import { NOBODY, watchOutbound } from './outbound.js';

const CALLBACK = 'https://app.example/callback';
const ENGINES = ['sqlite', 'postgres'] as const;
/** With `FUZZ=full` each engine sees all of a long list, else they share it: which one sees what is drawn, and printed. */
const FULL = process.env['FUZZ'] === 'full';
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
tell(`seed ${SEED} (FUZZ_SEED=${SEED} repeats it)`);

let service: TestService;
let relay: Relay;
let outbound: Awaited<ReturnType<typeof watchOutbound>>;
let live: { id: string; token: string };

const redeem = (verb: string, token: unknown, more: object = {}): Promise<Answer> =>
  service.api('POST', `/v1/links/${verb}`, { token, purpose: 'password-reset', ...more });

describe.each(ENGINES)('on %s', (engine) => {
  let postgres: Postgres | undefined;
  beforeAll(async () => {
    relay = await Relay.start();
    postgres = engine === 'postgres' ? await startPostgres() : undefined;
    const database = await postgres?.createDatabase();
    const env = { SMTP_URL: relay.url, REDIRECT_URIS: CALLBACK, ...(database && { DATABASE_URL: database }) };
    service = await startService({ env });
    outbound = await watchOutbound(service.port, relay.port, ...(database ? [Number(new URL(database).port)] : []));
    live = await service.mintReturned();
  }, 60_000);
  afterEach(async () => {
    expect((await redeem('inspect', live.token)).status).toBe(200);
    expect(outbound.seen()).toEqual(NOBODY);
  });
  afterAll(async () => {
    const { status } = await redeem('redeem', live.token);
    await outbound.stop();
    await service.stop();
    await relay.stop();
    await postgres?.stop();
    expect(status).toBe(200);
  });

  /** @returns this engine's part of a list */
  function share<Item>(all: readonly Item[]): readonly Item[] {
    return FULL ? all : all.filter((_, nth) => (nth + SEED + ENGINES.indexOf(engine)) % 2 === 0);
  }

  describe('line breaks and what becomes one', () => {
    const BREAKS = ['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\u2029', '\v', '\f', '\u001e'];
    const ADDED = 'Bcc: eve@evil.example';

    test('in no field of a mint do they get any further', async () => {
      const all = BREAKS.flatMap((brk) => {
        const text = `x${brk}${ADDED}`;
        return [
          { recipient: `ann@example.com${brk}${ADDED}` },
          { recipient: `ann${brk}@example.com` },
          { subject: text },
          { purpose: `password-reset${brk}x` },
          { locale: `en${brk}x` },
          { redirectUri: `${CALLBACK}${brk}Set-Cookie: x=1` },
          { templateData: { name: text } },
          { templateData: { [`name${brk}`]: 'x' } },
          { codeChallenge: `E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM${brk}` },
          { clientIp: `192.0.2.1${brk}` },
          { delivery: `email${brk}` },
        ];
      });
      for (const field of share(all)) expect((await service.mint(field)).status).toBe(422);
      expect(relay.offered).toEqual([]);
    });

    test('encoded for other readers they are plain text, and the mail has exactly its own headers', async () => {
      const names = [
        'a%0d%0aBcc: eve@evil.example',
        '=?utf-8?q?a=0d=0aBcc:_eve?=',
        'a\\r\\nBcc: eve',
        'a&#13;&#10;Bcc: eve',
      ];
      const headers: string[][] = [];
      for (const name of ['Ann', ...share(names)]) {
        const { body } = await service.mint({ templateData: { name } });
        const { mail, to } = await relay.mailTo(body.recipient);
        expect(to).toEqual([body.recipient]);
        headers.push(mail.headers.map(({ key }) => key));
        expect(urlIn(mail.text)).toMatch(/\/l\/[\w.-]+$/);
      }
      for (const other of headers) expect(other).toEqual(headers[0]);
    });

    test('in addresses they reach no header of an answer', async () => {
      for (const path of [
        '/l/x%0d%0aSet-Cookie:%20x=1',
        '/links/x%0d%0aLocation:%20https://evil.example',
        '/v1/links/%0d%0aX: 1',
      ]) {
        const { status, headers } = await service.api('GET', path);
        expect(status).toBeGreaterThanOrEqual(400);
        for (const name of ['location', 'x']) expect(headers.has(name)).toBe(false);
        expect(headers.get('set-cookie') ?? '').not.toContain('x=1');
      }
    });
  });

  test('templates in values are text: every syntax comes out as it went in', async () => {
    const payloads = [
      '{{7*7919}}',
      '{{{7*7919}}}',
      '${7*7919}',
      '#{7*7919}',
      '<%= 7*7919 %>',
      '{%7*7919%}',
      '{{constructor.constructor("return 1")()}}',
      '{{#with this}}{{/with}}',
      '{{> layout}}',
      '{{lookup this "url"}}',
      '{{@root.url}}',
      '{{__proto__}}',
      '[[7*7919]]',
      '@(7*7919)',
      '*{7*7919}',
      '{{url}}',
      '{{"\\x41"}}',
    ];
    for (const name of share(payloads)) {
      const { body } = await service.mint({ templateData: { name } });
      const { mail } = await relay.mailTo(body.recipient);
      // Too long a figure for the time in it, or for a token to have it by chance.
      expect(mail.text! + mail.html!).not.toContain('55433');
      // Kept as given, or left out whole; never half of it, never its result.
      if (mail.text!.includes(name.slice(0, 4))) expect(mail.text).toContain(name);
      urlIn(mail.text);
    }
  });

  test('markup in values is text in the mail', async () => {
    for (const name of share([
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'-alert(1)-'",
      '<a href=https://evil.example>x</a>',
      '&lt;script&gt;',
    ])) {
      const { body } = await service.mint({ templateData: { name } });
      const { mail } = await relay.mailTo(body.recipient);
      expect(mail.html).not.toMatch(/<script|<img[^>]+onerror|href=["']?https:\/\/evil/i);
    }
  });

  describe('objects where text is expected', () => {
    const OPERATORS: unknown[] = [
      { $ne: null },
      { $gt: '' },
      { $regex: '.*' },
      { $where: '1' },
      { $in: [] },
      ['x'],
      { length: 1 },
      { toString: 'x' },
      { toJSON: 'x' },
      true,
      1,
      null,
    ];
    const fields = [
      'purpose',
      'recipient',
      'subject',
      'locale',
      'redirectUri',
      'fingerprint',
      'codeChallenge',
      'delivery',
    ];

    test.each([
      ['/v1/links', fields],
      ['/v1/links/redeem', ['token', 'code', 'purpose', 'fingerprint', 'codeVerifier']],
      ['/v1/links/inspect', ['token', 'code', 'purpose', 'fingerprint']],
      ['/v1/links/revoke', ['subject', 'recipient', 'purpose']],
    ])('%s refuses them in each field', async (path, names) => {
      const good =
        path === '/v1/links'
          ? mintBody()
          : path.endsWith('revoke')
            ? { subject: 'x' }
            : { token: live.token, purpose: 'password-reset' };
      for (const [name, value] of share(OPERATORS.flatMap((one) => names.map((field) => [field, one] as const))))
        expectProblem(await service.api('POST', path, { ...good, [name]: value }), 'request_invalid');
    });

    test('queries with brackets, twice, or with names of every object', async () => {
      for (const query of [
        'subject[$ne]=x',
        'subject[]=x',
        'subject=x&subject=y',
        '__proto__=x',
        '__proto__[subject]=x',
        'constructor=x',
        'constructor[prototype][x]=1',
        'toString=x',
        'hasOwnProperty=x',
      ])
        expectProblem(await service.api('GET', `/v1/links?${query}`), 'request_invalid');
    });
  });

  test('no prototype is polluted, and what looks like it comes back as data', async () => {
    const nested = JSON.parse(
      '{"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1},"a":{"toString":1}}',
    ) as object;
    const { token } = await service.mintReturned({ data: nested });
    expect((await redeem('redeem', token)).body.link.data).toEqual(nested);
    for (const member of [
      '"data":{"__proto__":{"polluted":1}}',
      '"data":{"a":[{"__proto__":{"polluted":1}}]}',
      '"templateData":{"__proto__":"x"}',
      '"__proto__":{"polluted":1}',
      '"data":{"\\u005f_proto__":{}}',
    ]) {
      const body = JSON.stringify(mintBody()).replace(/\}$/, `,${member}}`);
      expectProblem(await service.api('POST', '/v1/links', body), 'request_invalid');
    }
    for (const templateData of [{ constructor: 'x' }, { prototype: 'x' }, { toString: 'x' }])
      expect((await service.mint({ templateData })).status).toBe(422);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('SQL in every text is text', async () => {
    for (const text of [
      "'--",
      "x'OR'1'='1",
      'x";DROP/**/TABLE/**/links;--',
      '%',
      '_',
      "\\'",
      '$1',
      '$$x$$',
      '\\000',
      '\\u0000',
      '::text',
      '{}',
    ]) {
      expect((await service.api('GET', `/v1/links?subject=${encodeURIComponent(text)}`)).body.items).toEqual([]);
      expect((await service.api('POST', '/v1/links/revoke', { subject: text })).body).toEqual({ revoked: 0 });
      const { body } = await service.mint({ subject: text });
      expect(
        (await service.api('GET', `/v1/links?subject=${encodeURIComponent(text)}`)).body.items.map(
          ({ id }: { id: string }) => id,
        ),
      ).toEqual([body.id]);
    }
  });

  describe('where a redirect goes', () => {
    test('nothing a browser sends moves it', async () => {
      const evil = 'https://evil.example';
      const queries = [
        'redirect_uri',
        'redirectUri',
        'next',
        'return',
        'returnTo',
        'url',
        'continue',
        'RelayState',
        'target',
      ].map((name) => `${name}=${encodeURIComponent(evil)}`);
      for (const query of share([...queries, queries.join('&')])) {
        const link = await service.mintReturned();
        const visitor = new Visitor(service);
        expect((await visitor.open(`${link.url}?${query}`)).headers.get('location')).toBe(`/links/${link.id}`);
        const pressed = await service.request('POST', `/links/${link.id}?${query}`, {
          body: query,
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            'sec-fetch-site': 'same-origin',
            cookie: visitor.cookie!,
            referer: evil,
          },
        });
        expect(pressed.status).toBe(303);
        expect(pressed.headers.get('location')).toMatch(
          /^https:\/\/app\.example\/callback\?code=[\w.-]+&purpose=password-reset&iss=/,
        );
      }
    });

    test('another app’s redirect URI is none of ours', async () => {
      const theirs = await addApp(service, 'theirs', ['https://theirs.example/callback']);
      expectProblem(await service.mint({ redirectUri: 'https://theirs.example/callback' }), 'redirect_uri_not_allowed');
      expectProblem(await theirs('POST', '/v1/links', mintBody({ redirectUri: CALLBACK })), 'redirect_uri_not_allowed');
    });
  });

  test('URLs in any text are not called, wherever they point', async () => {
    const urls = [
      outbound.url,
      'http://169.254.169.254/latest/meta-data/',
      'http://[::ffff:127.0.0.1]:9/',
      'http://localhost:9/',
      'file:///etc/passwd',
      'gopher://127.0.0.1:9/_x',
      'http://0/',
      'http://2130706433/',
    ];
    for (const url of share(urls)) {
      for (const field of [
        { redirectUri: url },
        { templateData: { name: url } },
        { locale: url },
        { fingerprint: url },
        { data: { url, $ref: url, href: url } },
        { templateData: { path: url } },
      ])
        expect((await service.mint(field)).status).toBeLessThan(500);
      await service.request('GET', `/l/${encodeURIComponent(url)}`, { headers: { referer: url, origin: url } });
    }
    const link = await service.mintReturned({ data: { url: outbound.url } });
    const code = codeIn(await new Visitor(service).confirm(link));
    expect((await service.api('POST', '/v1/links/redeem', { code, purpose: 'password-reset' })).status).toBe(200);
  });

  describe('what one engine would take and another would not', () => {
    const ODD = [
      '\0',
      'a\0b',
      '\ud800',
      'a\udc00\ud83d',
      '\ufffe\uffff',
      '\\u0000',
      '\\',
      '\\x00',
      '$1',
      '{"a":"\\u0000"}',
      '\u202e',
      "'::jsonb",
    ];

    test('in data and in the state it comes back as it went in', async () => {
      for (const text of share(ODD)) {
        const data = { [text]: text, nested: [text, { [text]: [text] }] };
        const { token } = await service.mintReturned({ data, fingerprint: text });
        const wrong = await redeem('redeem', token, { fingerprint: `${text}?` });
        expectProblem(wrong, 'fingerprint_mismatch');
        const { status, body } = await redeem('redeem', token, { fingerprint: text });
        expect([status, body.link?.data]).toEqual([200, data]);
      }
    });

    test('anywhere else it is refused or found to be nobody’s', async () => {
      for (const text of share(ODD.slice(0, 5))) {
        for (const body of [{ subject: text }, { subject: 'x', purpose: text }, { recipient: text }])
          expectProblem(await service.api('POST', '/v1/links/revoke', body), 'request_invalid');
        for (const verb of ['redeem', 'inspect']) {
          expectProblem(await redeem(verb, text), 'token_invalid');
          expectProblem(await redeem(verb, live.token, { purpose: text }), 'token_invalid');
        }
        const byCode = { id: text, oneTimeCode: text, purpose: 'password-reset' };
        expect((await service.api('POST', '/v1/links/redeem', byCode)).status).toBe(422);
        const bounce = { recipient: 'ann@example.com', kind: 'soft', messageId: text };
        expect((await service.api('POST', '/v1/bounces', bounce)).status).toBeLessThan(300);
      }
      for (const escape of ['%00', 'a%00', '%ff', '%ed%a0%80', '%c0%80', '%'])
        for (const path of ['/v1/links/', '/v1/links?subject=', '/v1/messages?cursor=']) {
          const { status, body } = await service.api('GET', `${path}x${escape}`);
          // What is no escape may be taken for the characters that it is written with.
          if (status === 200)
            expect({ escape, items: body.items }).toEqual({ escape: expect.not.stringContaining('00'), items: [] });
          else expect([400, 404, 422]).toContain(status);
        }
    });

    test('numbers beyond any column are refused, or come back exactly', async () => {
      for (const expiresIn of [0, -1, 0.5, 2 ** 31, 2 ** 53, 2 ** 63, 1e308])
        expectProblem(await service.mint({ expiresIn }), 'request_invalid');
      const data = { numbers: [2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, 5e-324, 0.1] };
      const { token } = await service.mintReturned({ data });
      expect((await redeem('redeem', token)).body.link.data).toEqual(data);
    });

    test('a relay says it: the outcome is written all the same', async () => {
      relay.reply = () => [554, '5.7.1 a\0b \u0085\ud800 \\u0000 no'];
      try {
        const { id } = (await service.mint()).body;
        const delivery = await eventually(async () => {
          const { body } = await service.api('GET', `/v1/links/${id}`);
          return body.delivery.status === 'failed' && body.delivery;
        });
        expect(delivery.lastError).toContain('5.7.1 a');
      } finally {
        relay.reply = () => undefined;
      }
    });
  });
});
