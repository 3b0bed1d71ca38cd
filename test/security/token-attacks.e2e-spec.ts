import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { addApp, type Caller } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { HandSetClock, startService, type Answer, type TestService } from '../support/service.js';
import { codeIn, Visitor } from '../support/visitor.js';
import { b64, contentOf, Forger, hmacToken, keySet, type Json } from './forger.js';
import { NOBODY, watchOutbound } from './outbound.js';

const PURPOSES = ['password-reset', 'magic-link', 'email-verification'];
const ALGS = ['HS256', 'ES256', 'RS256'] as const;
/** Every algorithm of RFC 7518, 8037, 8812 and 9964 for signatures, and what does not exist. */
const OTHER_ALGS = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'ES256K', 'EdDSA', 'Ed25519', 'Ed448', 'ML-DSA-44', 'RSA1_5', 'dir', 'A256GCM'],
  ...['none', 'None', 'NONE', 'nOnE', 'NoNe', 'none ', ' none', 'none\0', 'nоne', 'null', 'undefined', ''],
  ...['hs256', 'Hs256', 'HS256 ', 'es256', 'rs256', 'ES256\n', 'HMACSHA256', 'SHA256', '*', '__proto__', 'constructor'],
];

/** One service for each algorithm that signs; all three keys are always in the ring, as during a rotation. */
describe.each(ALGS)('against tokens signed with %s', (alg) => {
  const clock = new HandSetClock();
  const set = keySet(alg);
  const forger = new Forger(set);
  let service: TestService;
  let other: Caller;
  let outbound: Awaited<ReturnType<typeof watchOutbound>>;
  let live: { id: string; token: string; url: string };
  let header: Json;
  let claims: Json;

  beforeAll(async () => {
    service = await startService({
      clock,
      env: { SIGNING_KEYS: JSON.stringify(set), REDIRECT_URIS: 'https://app.example/callback', TRUST_PROXY: '1' },
    });
    other = await addApp(service, 'other');
    live = await service.mintReturned();
    [header, claims] = contentOf(live.token);
    outbound = await watchOutbound(service.port);
  });
  afterEach(async () => {
    // Whatever was tried, the untouched link is as good as before, and nobody was called.
    expect((await ask('inspect', live.token)).status).toBe(200);
    expect(outbound.seen()).toEqual(NOBODY);
  });
  afterAll(async () => {
    const redeemed = await ask('redeem', live.token);
    const again = await ask('redeem', live.token);
    await outbound.stop();
    await service.stop();
    expect(redeemed.status).toBe(200);
    expectProblem(again, 'link_redeemed');
  });

  const ask = (verb: 'redeem' | 'inspect', token: string, body: object = {}): Promise<Answer> =>
    service.api('POST', `/v1/links/${verb}`, { token, purpose: 'password-reset', ...body });
  const open = (token: string): Promise<Answer> =>
    service.request('GET', `/l/${token}`, {
      headers: { 'x-forwarded-for': `2001:db8:${randomBytes(2).toString('hex')}::1` },
    });

  let theAnswer: unknown;
  /** The words do not tell what was wrong with it either. */
  function expectTheAnswer(answer: Answer): void {
    expectProblem(answer, 'token_invalid');
    const document = { ...answer.body, instance: '' };
    theAnswer ??= document;
    expect(document).toEqual(theAnswer);
  }
  /** No door takes any of them, and they all get the one answer. */
  async function refused(...tokens: string[]): Promise<void> {
    const purpose = 'password-reset';
    for (const [index, token] of tokens.entries()) {
      expectTheAnswer(await ask('redeem', token));
      // The other doors read by the same gate: a sample is enough.
      if (index % 8 !== 0) continue;
      expectTheAnswer(await ask('inspect', token));
      expectTheAnswer(await service.api('POST', '/v1/links/redeem', { code: token, purpose }));
      expect([400, 404]).toContain((await open(encodeURIComponent(token))).status);
    }
  }
  const signed = (change: { header?: Json | string; claims?: Json | string }): string =>
    forger.token(merge(header, change.header), merge(claims, change.claims), { alg });
  const merge = (from: Json, change: Json | string | undefined): Json | string =>
    typeof change === 'string' ? change : { ...from, ...change };
  /** The text of the claims, to write into by hand. */
  const claimsText = (): string => JSON.stringify(claims);

  test('the forger holds the real keys: unchanged, its token is as good as the service’s own', async () => {
    const forged = signed({});
    expect((await ask('inspect', forged)).body.link.id).toBe(live.id);
    if (alg !== 'ES256') expect(forged).toBe(live.token);
  });

  describe('algorithm confusion', () => {
    test('every other algorithm in every casing, with a signature that would otherwise do', async () => {
      const names: unknown[] = [
        ...OTHER_ALGS.filter((name) => name !== alg),
        null,
        256,
        true,
        [alg],
        { alg },
        undefined,
      ];
      await refused(...names.map((name) => signed({ header: { alg: name } })));
    });

    test('the key of another algorithm, named by its kid or by ours', async () => {
      const others = ALGS.filter((name) => name !== alg);
      for (const name of others) {
        const kid = forger.jwk(name).kid;
        await refused(
          forger.token({ ...header, kid }, claims, { alg }), // signed by ours, says theirs
          forger.token(header, claims, { alg: name }), // signed by theirs, says ours
          forger.token({ ...header, alg: name }, claims, { alg: name }), // theirs but for the kid
          forger.token({ ...header, kid }, claims, { alg: name }), // theirs but for the alg
        );
      }
    });

    test('a public key, in any of its forms, as the secret of an HMAC', async () => {
      for (const name of ['ES256', 'RS256']) {
        const { kid } = forger.jwk(name);
        for (const secret of forger.publicForms(name)) {
          await refused(
            hmacToken({ ...header, alg: 'HS256', kid }, claims, secret),
            hmacToken({ ...header, alg: name, kid }, claims, secret),
            hmacToken({ ...header, alg: 'HS256', kid: 'hs256' }, claims, secret),
            hmacToken({ ...header, alg: 'HS512', kid }, claims, secret, 'sha512'),
          );
        }
      }
    });

    test('secrets that others have forgotten to change, and the shared secret itself, not the one derived from it', async () => {
      const real = Buffer.from(forger.jwk('HS256').k as string, 'base64url');
      const weak = ['', ' ', '\0', 'secret', 'password', 'your-256-bit-secret', 'changeme', 'jwt', 'null', 'oncelink'];
      const secrets = [...weak, real, forger.jwk('HS256').k as string, createHash('sha256').update(real).digest()];
      await refused(...secrets.map((secret) => hmacToken({ ...header, alg: 'HS256', kid: 'hs256' }, claims, secret)));
    });

    test('no signature at all', async () => {
      const [head, body, signature] = live.token.split('.') as [string, string, string];
      const unsigned = b64(JSON.stringify({ ...header, alg: 'none' }));
      await refused(`${unsigned}.${body}.AA`, `${unsigned}.${body}.${signature}`, `${head}.${body}.AA`);
      await refused(
        `${unsigned}.${body}.`,
        `${unsigned}.${body}`,
        `${head}.${body}.`,
        `${head}.${body}`,
        `..${signature}`,
      );
    });
  });

  describe('the header', () => {
    test.each([
      [
        'paths',
        ['../../../../dev/null', '/dev/null', '../keys.json', 'file:///etc/passwd', '..\\..\\x', 'hs256/../hs256'],
      ],
      ['SQL', ["' OR '1'='1", "x' UNION SELECT 'AA' -- ", "hs256'--", 'hs256;DROP TABLE links', "' || pg_sleep(5) --"]],
      ['commands', ['|sleep 10', '$(sleep 10)', '`sleep 10`', '; sleep 10', 'hs256|cat /etc/passwd', '%x`id`']],
      ['names of every object', ['__proto__', 'constructor', 'toString', 'prototype', 'hasOwnProperty', 'size', 'get']],
      [
        'what is near to a kid',
        ['', ' ', 'hs256 ', ' hs256', 'HS256', 'hs256\0', 'hs256\n', 'ｈs256', 'key-1', '0', '1', 'x'.repeat(600)],
      ],
    ])('kid as %s', async (_what, kids) => {
      await refused(...kids.map((kid) => signed({ header: { kid } })));
    });

    test('kid as a URL, or as anything but text', async () => {
      const urls = [
        outbound.url,
        `${outbound.url}/keys/hs256`,
        `//${outbound.url.slice(7)}`,
        'http://169.254.169.254/latest',
      ];
      const values = [null, 0, 1, true, [], ['hs256'], {}, { kid: 'hs256' }, undefined];
      await refused(...[...urls, ...values].map((kid) => signed({ header: { kid } })));
    });

    test('keys that the token brings or points to are neither used nor fetched', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'ES256' };
      const mine = new Forger({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'mine', alg: 'ES256' }] });
      const url = `${outbound.url}/keys.json`;
      const members = [
        { jku: url },
        { jwk },
        { x5u: url },
        { x5c: ['MIIB'] },
        { x5t: 'AA' },
        { 'x5t#S256': 'AA' },
        { url },
      ];
      for (const member of members) {
        await refused(
          signed({ header: member }),
          mine.token({ alg: 'ES256', typ: header.typ, kid: 'mine', ...member }, claims, { alg: 'ES256' }),
          mine.token({ alg: 'ES256', typ: header.typ, kid: 'es256', ...member }, claims, { alg: 'ES256' }),
        );
      }
      await refused(signed({ claims: { jku: url } }), signed({ claims: { iss: url } }));
    });

    test('crit, b64, zip and whatever else a header may hold', async () => {
      const members = [{ crit: ['exp'] }, { crit: [] }, { crit: ['b64'], b64: false }, { b64: true }, { zip: 'DEF' }];
      const more = [{ cty: 'JWT' }, { enc: 'A256GCM' }, { nonce: 'x' }, { iss: claims.iss }, { '': 1 }, { x: null }];
      await refused(...[...members, ...more].map((member) => signed({ header: member })));
    });

    test('typ of other tokens, in other spellings, or none', async () => {
      const names = [
        'JWT',
        'jwt',
        'at+jwt',
        'oncelink-code+jwt',
        'ONCELINK+JWT',
        'oncelink+JWT',
        'application/oncelink+jwt',
      ];
      const odd = [
        'oncelink+jwt ',
        'oncelink jwt',
        'oncelink',
        '+jwt',
        '',
        null,
        0,
        ['oncelink+jwt'],
        { typ: 'x' },
        undefined,
      ];
      await refused(...[...names, ...odd].map((typ) => signed({ header: { typ } })));
    });
  });

  describe('the claims, rightly signed', () => {
    test('another issuer', async () => {
      const iss = claims.iss as string;
      const near = [
        `${iss}/`,
        iss.toUpperCase(),
        iss.replace('http', 'https'),
        `${iss}#`,
        ` ${iss}`,
        `${iss}\0`,
        iss.replace('localhost', '127.0.0.1'),
      ];
      const values = [...near, '', '__proto__', null, 0, [iss], { iss }, undefined];
      await refused(...values.map((value) => signed({ claims: { iss: value } })));
    });

    test('another audience', async () => {
      const values = [
        'other',
        'DEFAULT',
        'default ',
        'default/',
        '',
        '*',
        '__proto__',
        'constructor',
        "' OR 1=1 --",
        null,
        0,
        ['default'],
        ['other', 'default'],
        { aud: 'default' },
        undefined,
      ];
      await refused(...values.map((aud) => signed({ claims: { aud } })));
    });

    test('a token of this app, presented by another, and the same claimed for the other', async () => {
      for (const token of [live.token, signed({ claims: { aud: 'other' } })]) {
        for (const verb of ['redeem', 'inspect']) {
          expectProblem(
            await other('POST', `/v1/links/${verb}`, { token, purpose: 'password-reset' }),
            'token_invalid',
          );
        }
      }
    });

    test('an id that the database does not know: the keys alone are worth nothing', async () => {
      const near = [
        live.id.slice(0, -1),
        `${live.id}A`,
        live.id.toLowerCase(),
        ` ${live.id}`,
        `${live.id}\0`,
        `${live.id.slice(0, 8)}${randomBytes(16).toString('base64url')}`,
      ];
      const values = [
        ...near,
        '',
        '%',
        '_'.repeat(30),
        "' OR '1'='1",
        '__proto__',
        null,
        0,
        [live.id],
        { $ne: null },
        { $gt: '' },
        undefined,
      ];
      await refused(...values.map((jti) => signed({ claims: { jti } })));
    });

    test('times that are none', async () => {
      const now = Math.floor(clock.time / 1000);
      const times = [
        '1e999',
        '-1e999',
        '1e400',
        '9007199254740993',
        '1.5',
        '0.1e1000',
        `"${now + 600}"`,
        'null',
        'true',
        '[1]',
        '{}',
        '""',
        'NaN',
        'Infinity',
        '0x7fffffff',
        '01',
      ];
      await refused(
        ...times.flatMap((time) =>
          ['exp', 'iat'].map((name) =>
            signed({ claims: claimsText().replace(new RegExp(`"${name}":\\d+`), `"${name}":${time}`) }),
          ),
        ),
      );
      await refused(
        signed({ claims: { exp: undefined } }),
        signed({ claims: { iat: undefined } }),
        signed({ claims: { iat: now + 31 } }),
        signed({ claims: { iat: 9e15 } }),
      );
      await refused(signed({ claims: { nbf: now } }), signed({ claims: { nbf: 'x' } }));
    });

    test('an exp in the past is expired, an endless one does not outlive the row', async () => {
      for (const exp of [0, -1, -9e15, Math.floor(clock.time / 1000)]) {
        expectProblem(await ask('redeem', signed({ claims: { exp } })), 'link_expired');
      }
      const short = await service.mintReturned({ expiresIn: 60 });
      const [, theirs] = contentOf(short.token);
      const endless = forger.token(header, { ...theirs, exp: 9e15 }, { alg });
      expect((await ask('inspect', endless)).status).toBe(200);
      clock.advance(60);
      expectProblem(await ask('redeem', endless), 'link_expired');
    });

    test('a claim too many or too few', async () => {
      const extra = [
        { email: 'ann@example.com' },
        { admin: true },
        { redeemed: false },
        { scope: 'links:mint' },
        { '': 1 },
        { cnf: {} },
      ];
      await refused(...extra.map((more) => signed({ claims: more })));
      await refused(...Object.keys(claims).map((name) => signed({ claims: { [name]: undefined } })));
    });

    test('a payload that is no object of its own', async () => {
      const values = [
        'null',
        'true',
        '1',
        '""',
        '[]',
        `[${claimsText()}]`,
        `${claimsText()} `.repeat(2),
        '{}',
        '{',
        ' ',
        `"${claimsText().replaceAll('"', '\\"')}"`,
      ];
      await refused(
        ...values.map((text) => signed({ claims: text })),
        ...values.map((text) => signed({ header: text })),
      );
    });
  });

  describe('the spelling', () => {
    test('members twice, plainly or in disguise', async () => {
      const text = claimsText();
      const head = JSON.stringify(header);
      await refused(
        signed({ header: head.replace('{', '{"alg":"none",') }),
        signed({ header: head.replace('{', `{"alg":"${alg}",`) }),
        signed({ header: head.replace('}', ',"\\u0061lg":"none"}') }),
        signed({ header: head.replace('}', ',"kid" :"x"}') }),
        ...Object.keys(claims).map((name) => signed({ claims: text.replace('}', `,"${name}":1}`) })),
        signed({ claims: text.replace('{', '{"exp":9999999999,') }),
        signed({ claims: text.replace('{', '{"\\u0065xp":9999999999,') }),
        signed({ claims: text.replace('{', '{"__proto__":{"exp":9999999999},') }),
      );
    });

    test('bytes that are not UTF-8, and marks before the text', async () => {
      const bytes = (sub: number[]): Buffer => {
        const [before, after] = JSON.stringify({ ...claims, sub: '%%' }).split('%%') as [string, string];
        return Buffer.concat([Buffer.from(before), Buffer.from(sub), Buffer.from(after)]);
      };
      const invalid = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80]];
      await refused(...invalid.map((sub) => forger.token(header, bytes(sub), { alg })));
      await refused(signed({ claims: `\ufeff${claimsText()}` }), signed({ header: `\ufeff${JSON.stringify(header)}` }));
      await refused(forger.token(header, Buffer.from(claimsText(), 'utf16le'), { alg }));
    });

    test('the same bytes in another spelling: white space, padding, other alphabets, unused bits', async () => {
      const { token } = live;
      const dots = token.split('.') as [string, string, string];
      const around = [
        ` ${token}`,
        `${token} `,
        `${token}\n`,
        `\t${token}`,
        `${token}\r\n`,
        `${token}\0`,
        token.replace('.', '. '),
        token.replace('.', '\n.'),
      ];
      const padded = [
        `${token}=`,
        `${token}==`,
        `${dots[0]}=.${dots[1]}.${dots[2]}`,
        `${dots[0]}.${dots[1]}=.${dots[2]}`,
      ];
      const dotted = [
        `.${token}`,
        `${token}.`,
        `${token}.${dots[2]}`,
        token.replaceAll('.', '..'),
        token.replaceAll('.', '%2e'),
        token.replaceAll('.', '。'),
      ];
      const other = [
        `${dots[0]}.${dots[1]}.${dots[2].replaceAll('-', '+').replaceAll('_', '/')}+`,
        encodeURIComponent(`${token}%`),
        `Bearer ${token}`,
        `"${token}"`,
      ];
      await refused(
        ...around,
        ...padded,
        ...dotted,
        ...other,
        ...dots.flatMap((part, index) => twins(part).map((twin) => dots.with(index, twin).join('.'))),
      );
    });

    test('the same content signed in another spelling is read once, and is the same link', async () => {
      const spaced = signed({ claims: JSON.stringify(claims, null, 1) });
      expect((await ask('inspect', spaced)).body.link.id).toBe(live.id);
    });

    test('the JSON serialisations', async () => {
      const [protect, payload, signature] = live.token.split('.');
      const flat = { protected: protect, payload, signature };
      const general = { payload, signatures: [{ protected: protect, signature }] };
      await refused(
        JSON.stringify(flat),
        JSON.stringify(general),
        b64(JSON.stringify(flat)),
        `${b64(JSON.stringify(general))}.${payload}.${signature}`,
      );
      expectProblem(await ask('redeem', flat as never), 'request_invalid');
      expectProblem(await ask('redeem', [live.token] as never), 'request_invalid');
    });

    test('too long: refused by the length alone, however much it is', async () => {
      await refused(
        signed({ claims: { sub: 'x'.repeat(1_600) } }),
        `${live.token}${'A'.repeat(2_048 - live.token.length + 1)}`,
      );
      const huge = `${b64(JSON.stringify(header))}.${b64(JSON.stringify({ ...claims, sub: 'x'.repeat(40_000) }))}.AA`;
      for (const door of ['redeem', 'inspect'] as const) expectTheAnswer(await ask(door, huge));
      expectProblem(await ask('redeem', 'A'.repeat(10_000_000)), 'payload_too_large');
      const hugePage = await open('A'.repeat(12_000)).catch(() => ({ status: 431 }));
      expect([400, 404, 414, 431]).toContain(hugePage.status);
    });
  });

  describe('signatures', () => {
    test('all zero, all one, too short, too long, of something else', async () => {
      const [head, body, signature] = live.token.split('.') as [string, string, string];
      const size = Buffer.from(signature, 'base64url').length;
      const bytes = [
        Buffer.alloc(size),
        Buffer.alloc(size, 0xff),
        Buffer.alloc(1),
        Buffer.alloc(size - 1, 1),
        Buffer.alloc(size + 1, 1),
        randomBytes(size),
      ];
      const real = Buffer.from(signature, 'base64url');
      const cut = [
        real.subarray(1),
        real.subarray(0, -1),
        Buffer.concat([real, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), real]),
        Buffer.concat([real, real]),
      ];
      await refused(...[...bytes, ...cut].map((forged) => `${head}.${body}.${b64(forged)}`));
      const next = await service.mintReturned();
      await refused(`${head}.${body}.${next.token.split('.')[2]}`, `${head}.${next.token.split('.')[1]}.${signature}`);
    });

    test('of the order of the curve, in either half ("psychic")', async () => {
      const [, body] = live.token.split('.');
      const head = b64(JSON.stringify({ ...header, alg: 'ES256', kid: 'es256' }));
      const order = toBytes(N);
      const zero = Buffer.alloc(32);
      const one = toBytes(1n);
      const pairs = [
        [zero, zero],
        [zero, one],
        [one, zero],
        [order, order],
        [order, one],
        [one, order],
        [one, one],
        [zero, order],
        [toBytes(N - 1n), toBytes(N - 1n)],
        [toBytes(N + 1n), toBytes(N + 1n)],
      ];
      await refused(...pairs.map((pair) => `${head}.${body}.${b64(Buffer.concat(pair))}`));
      await refused(
        `${head}.${body}.${b64(Buffer.from('3006020100020100', 'hex'))}`,
        `${head}.${body}.${b64(Buffer.from('3006020101020101', 'hex'))}`,
      );
    });

    if (alg === 'ES256') {
      test('s turned into n-s is another text of an authentic token: it is the same link, used once', async () => {
        const link = await service.mintReturned();
        const twin = mirrored(link.token);
        expect(twin).not.toBe(link.token);
        const answers = await Promise.all([ask('redeem', twin), ask('redeem', link.token)]);
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 410]);
        for (const token of [twin, link.token]) expectProblem(await ask('redeem', token), 'link_redeemed');
      });

      test('DER instead of r and s', async () => {
        const [head, body, signature] = live.token.split('.') as [string, string, string];
        const halves = [
          Buffer.from(signature, 'base64url').subarray(0, 32),
          Buffer.from(signature, 'base64url').subarray(32),
        ];
        const integers = halves.map((half) => {
          const positive = half[0]! & 0x80 ? Buffer.concat([Buffer.alloc(1), half]) : half;
          return Buffer.concat([Buffer.from([2, positive.length]), positive]);
        });
        const content = Buffer.concat(integers);
        await refused(`${head}.${body}.${b64(Buffer.concat([Buffer.from([0x30, content.length]), content]))}`);
      });
    }
  });

  test('no purpose is another: every pair, as minted, as asked, as claimed and as signed', async () => {
    for (const from of PURPOSES) {
      const { token } = await service.mintReturned({ purpose: from });
      const [, theirs] = contentOf(token);
      for (const to of PURPOSES.filter((name) => name !== from)) {
        expectProblem(await ask('redeem', token, { purpose: to }), 'token_invalid');
        expectProblem(await ask('inspect', token, { purpose: to }), 'token_invalid');
        // With the real key and everything right but for what the row says.
        const claimed = forger.token(header, { ...theirs, purpose: to }, { alg, purpose: to });
        for (const purpose of [from, to]) expectProblem(await ask('redeem', claimed, { purpose }), 'token_invalid');
        if (alg === 'HS256') await refused(forger.token(header, theirs, { alg, purpose: to }));
      }
      expect((await ask('redeem', token, { purpose: from })).status).toBe(200);
    }
    const purposes: unknown[] = [
      'Password-Reset',
      'password-reset ',
      '',
      '__proto__',
      'constructor',
      ['password-reset'],
      null,
      0,
      undefined,
    ];
    await refused(...purposes.map((purpose) => signed({ claims: { purpose } })));
  });

  test('a mail without a link has an id, too, and it is one of no link', async () => {
    const notice = { purpose: 'password-changed', recipient: 'ann@example.com', subject: claims.sub };
    const { id } = (await service.api('POST', '/v1/notifications', notice)).body;
    const forged = (purpose: string): string => forger.token(header, { ...claims, jti: id, purpose }, { alg, purpose });
    await refused(forged('password-reset'));
    expectTheAnswer(await ask('redeem', forged(notice.purpose), { purpose: notice.purpose }));
  });

  test('a link is no code, a code no link, and a mail’s report neither, as handed over and with the real key', async () => {
    const link = await service.mintReturned();
    const visitor = new Visitor(service);
    const code = codeIn(await visitor.confirm(link));
    const [codeHeader, codeClaims] = contentOf(code);
    const { sub: _, ...reportClaims } = contentOf(link.token)[1];
    expectProblem(await ask('redeem', code), 'token_invalid');
    expectProblem(
      await service.api('POST', '/v1/links/redeem', { code: link.token, purpose: 'password-reset' }),
      'token_invalid',
    );
    await refused(
      forger.token(header, codeClaims, { alg }),
      forger.token(codeHeader, contentOf(link.token)[1], { alg, kind: 'oncelink-code+jwt' }),
      forger.token({ ...codeHeader, typ: 'oncelink+jwt' }, codeClaims, { alg }),
      forger.token({ ...header, typ: REPORT }, claims, { alg, kind: REPORT }),
      forger.token({ ...header, typ: REPORT }, reportClaims, { alg, kind: REPORT }),
      forger.token(header, reportClaims, { alg }),
    );
    for (const token of [link.token, code]) expect((await service.request('GET', `/r/${token}`)).status).toBe(400);
    visitor.cookie = visitor.cookie!.replace(/=.*/, `=${code}`);
    expect((await visitor.get(`/links/${link.id}`)).status).toBe(400);
    expect((await visitor.press(link.id)).status).toBe(400);
    expect((await service.api('POST', '/v1/links/redeem', { code, purpose: 'password-reset' })).status).toBe(200);
  });

  test('one link’s token opens no other link’s page', async () => {
    const [mine, theirs] = [await service.mintReturned(), await service.mintReturned()];
    const visitor = new Visitor(service);
    await visitor.open(mine.url);
    expect((await visitor.get(`/links/${theirs.id}`)).status).toBe(400);
    expect((await visitor.press(theirs.id)).status).toBe(400);
    expect((await ask('redeem', theirs.token)).status).toBe(200);
  });
});

/** What a mail's "this wasn't me" bears. */
const REPORT = 'oncelink-report+jwt';

/** The order of P-256. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

/** (r, s) and (r, n-s) are both signatures of the same text. */
function mirrored(token: string): string {
  const [head, body, signature] = token.split('.') as [string, string, string];
  const bytes = Buffer.from(signature, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  return `${head}.${body}.${b64(Buffer.concat([bytes.subarray(0, 32), toBytes(N - s)]))}`;
}

/** Other last characters that decode to the same bytes (RFC 4648 section 3.5); none if the length is a multiple of 4. */
function twins(part: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const same = [...alphabet].map((last) => part.slice(0, -1) + last).filter((twin) => twin !== part);
  const bytes = Buffer.from(part, 'base64url');
  return same.filter((twin) => Buffer.from(twin, 'base64url').equals(bytes));
}
