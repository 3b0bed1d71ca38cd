import { request as httpRequest } from 'node:http';
import { addApp, type Caller } from '../support/apps.js';
import { expectProblem } from '../support/problem.js';
import { HandSetClock, mintBody, startService, type Answer, type TestService } from '../support/service.js';
import { SAME_ORIGIN, Visitor, codeIn, nonceIn } from '../support/visitor.js';

const CALLBACK = 'https://app.example/callback?keep=1';
const clock = new HandSetClock();
let service: TestService;
/** An app without any redirect URI. */
let bare: Caller;
beforeAll(async () => {
  service = await startService({ clock, env: { REDIRECT_URIS: `${CALLBACK},com.example.app:/done` } });
  bare = await addApp(service, 'bare');
});
afterAll(() => service.stop());

interface Minted {
  id: string;
  url: string;
  token: string;
}
const read = async (id: string) => (await service.api('GET', `/v1/links/${id}`)).body;
const redeem = (proof: object, purpose = 'password-reset') =>
  service.api('POST', '/v1/links/redeem', { purpose, ...proof });
const revoke = (id: string) => service.api('POST', `/v1/links/${id}/revoke`);
const forBare = async (body: object): Promise<Minted> =>
  (await bare('POST', '/v1/links', mintBody({ delivery: 'return', ...body }))).body;
/** A new visitor who stands before the confirm page of a new link. */
async function arrive(body: object = {}): Promise<{ link: Minted; visitor: Visitor; page: Answer }> {
  const link = await service.mintReturned(body);
  const visitor = new Visitor(service);
  expect((await visitor.open(link.url)).status).toBe(303);
  return { link, visitor, page: await visitor.get(`/links/${link.id}`) };
}

/** The page is this one, to be seen by people and kept by nobody. */
function expectPage(answer: Answer, status: number, words: RegExp): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.text).toMatch(words);
  expectSafeHeaders(answer);
}

function expectSafeHeaders({ headers }: Answer, formAction = ["'self'"]): void {
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-robots-tag')).toBe('noindex, nofollow');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  const policy = policyOf(headers);
  expect(policy['default-src']).toEqual(["'none'"]);
  expect(policy['frame-ancestors']).toEqual(["'none'"]);
  expect(policy['base-uri']).toEqual(["'none'"]);
  expect(policy['form-action']).toEqual(formAction);
  expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
}

function policyOf(headers: Headers): Record<string, string[]> {
  const directives = (headers.get('content-security-policy') ?? '').split(';').map((one) => one.trim().split(/\s+/));
  return Object.fromEntries(directives.map(([name, ...values]) => [name, values]));
}

describe('the mailed link', () => {
  test('moves its token into a cookie of its own page and leads there', async () => {
    const link = await service.mintReturned({ expiresIn: 120 });
    const visitor = new Visitor(service);
    const answer = await visitor.open(link.url);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`/links/${link.id}`);
    expectSafeHeaders(answer);
    const [pair, ...attributes] = visitor.setCookie!.split(/; */);
    expect(pair).toBe(`oncelink=${link.token}`);
    expect(attributes.map((attribute) => attribute.toLowerCase()).sort()).toEqual(
      ['httponly', 'max-age=3720', `path=/links/${link.id}`.toLowerCase(), 'samesite=lax'].sort(),
    );
  });

  test.each([
    'utm_source=newsletter&utm_medium=email',
    'fbclid=abc',
    'mc_cid=1&mc_eid=2',
    'token=another',
    '',
    '?',
    'a%zz=%',
  ])('ignores the query ?%s that a scanner or tracker added', async (query) => {
    const link = await service.mintReturned();
    const visitor = new Visitor(service);
    const answer = await visitor.open(`${link.url}?${query}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/links/${link.id}`]);
    const page = await visitor.get(`/links/${link.id}?${query}`);
    expect([page.status, page.text.match(/<form/g)]).toEqual([200, ['<form']]);
  });

  test('is used up by no GET, HEAD or OPTIONS, on either of its addresses, however often', async () => {
    const { link, visitor } = await arrive();
    const before = await read(link.id);
    for (const path of [`/l/${link.token}`, `/links/${link.id}`]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const answers = await Promise.all(Array.from({ length: 50 }, () => visitor.get(path, {}, method)));
        for (const answer of answers) {
          expect(answer.status).toBeLessThan(500);
          expectSafeHeaders(answer, policyOf(answer.headers)['form-action']);
        }
      }
    }
    expect(await read(link.id)).toEqual(before);
    expect((await redeem({ token: link.token })).status).toBe(200);
  });

  test('leaves no trace when a scanner only asks for it by HEAD', async () => {
    const link = await service.mintReturned();
    const before = await read(link.id);
    const visitor = new Visitor(service);
    await visitor.get(`/l/${link.token}`, {}, 'HEAD');
    await visitor.get(`/links/${link.id}`, { cookie: `oncelink=${link.token}` }, 'HEAD');
    expect(await read(link.id)).toEqual(before);
  });

  test('is noted as opened when its page is first shown', async () => {
    const { link, visitor } = await arrive();
    const openedAt = new Date(clock.time).toISOString();
    expect((await read(link.id)).openedAt).toBe(openedAt);
    clock.advance(3);
    await visitor.get(`/links/${link.id}`);
    expect((await read(link.id)).openedAt).toBe(openedAt);
  });
});

describe('a link that is not good is a page with its own status', () => {
  const BAD: [string, number, RegExp, () => Promise<Minted>][] = [
    ['used', 410, /already been used/, async () => {
      const link = await service.mintReturned();
      await redeem({ token: link.token });
      return link;
    }],
    ['revoked', 410, /no longer valid/, async () => {
      const link = await service.mintReturned();
      await revoke(link.id);
      return link;
    }],
    ['superseded', 410, /newer link/, async () => {
      const link = await service.mintReturned({ subject: 'newer' });
      await service.mintReturned({ subject: 'newer' });
      return link;
    }],
    ['expired', 410, /expired/, async () => {
      const link = await service.mintReturned({ expiresIn: 30 });
      clock.advance(30);
      return link;
    }],
    ['a decoy', 400, /does not work/, () => service.mintReturned({ decoy: true })],
  ]; // prettier-ignore

  test.each(BAD)('%s: %i', async (_what, status, words, make) => {
    const link = await make();
    const visitor = new Visitor(service);
    const answer = await visitor.open(link.url);
    expectPage(answer, status, words);
    expect(visitor.setCookie).toBeNull();
    // The same for whoever opened it while it was good.
    visitor.cookie = `oncelink=${link.token}`;
    expectPage(await visitor.get(`/links/${link.id}`), status, words);
    expectPage(await visitor.press(link.id), status, words);
  });

  test.each([
    ['a letter', 'x'],
    ['three letters', 'a.b.c'],
    ['an unsigned token', 'eyJhbGciOiJub25lIn0.e30.'],
    ['an endless text', 'x'.repeat(5_000)],
    ['an emoji', '%F0%9F%92%A9'],
    ['a script', '%3Cscript%3Ealert(1)%3C%2Fscript%3E'],
  ])('%s for a token: 400, and nothing of it is on the page', async (_what, token) => {
    const answer = await service.request('GET', `/l/${token}`);
    expectPage(answer, 400, /does not work/);
    expect(answer.text).not.toContain('alert(1)');
  });

  const NONE = [
    ...['/l', '/l/', '/l/a/b', '/l/%zz', '/l/%c3%28'],
    ...['/links', '/links/', '/links/a/b', '/links/%zz', '/links/a/report', '/links/a/report/b', '/links/%zz/renew'],
    ...['/r', '/r/', '/r/a', '/r/a/b', '/r/%zz'],
  ];
  test.each(NONE)('the address %s, which is none, is a page with all its headers', async (path) => {
    const answer = await service.request('GET', path);
    expect([400, 404]).toContain(answer.status);
    expectPage(answer, answer.status, /<h1>/);
    expect(answer.text).not.toContain(path);
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('%s is a page, too, and changes nothing', async (method) => {
    const { link, visitor } = await arrive();
    for (const path of [`/l/${link.token}`, `/links/${link.id}`]) {
      const answer = await visitor.get(path, SAME_ORIGIN, method);
      expectPage(answer, 405, /<h1>/);
      expect(answer.headers.get('allow')).toMatch(/GET/);
    }
    expect((await redeem({ token: link.token })).status).toBe(200);
  });

  test('a form that is no form is a page, too', async () => {
    const { link, visitor } = await arrive();
    const types = ['text/plain', 'multipart/form-data; boundary=x', 'application/xml'];
    for (const type of types) {
      const answer = await service.request('POST', `/links/${link.id}`, {
        body: 'x',
        headers: { cookie: visitor.cookie!, ...SAME_ORIGIN, 'content-type': type },
      });
      expectPage(answer, 415, /<h1>/);
    }
    const large = await service.request('POST', `/links/${link.id}`, {
      body: `nonce=${'x'.repeat(70_000)}`,
      headers: { cookie: visitor.cookie!, ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' },
    });
    expectPage(large, 413, /<h1>/);
    expect((await read(link.id)).status).toBe('active');
  });
});

describe('the confirm page', () => {
  test('has one button, works without script, and loads nothing from anywhere', async () => {
    const { page } = await arrive();
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text.match(/<button/g)).toHaveLength(1);
    expect(page.text).not.toMatch(/<script|<img|<link|<iframe|@import|url\(|javascript:|\son\w+=|http-equiv/i);
    expect(page.text.match(/https?:\/\/\S+/g) ?? []).toEqual([]);
    expect(page.text).toMatch(/<html lang="en"/);
  });

  test('does not hold the token, the subject or the address', async () => {
    const { link, page } = await arrive({ subject: 'secret-subject', recipient: 'secret-person@example.com' });
    expect(page.text).not.toContain(link.token);
    expect(page.text).not.toMatch(/secret-subject|secret-person/);
  });

  test("lets its form go to itself and to the redirect's origin, and nowhere else", async () => {
    const { page } = await arrive();
    expectSafeHeaders(page, ["'self'", 'https://app.example']);
    const own = await arrive({ redirectUri: 'com.example.app:/done' });
    expectSafeHeaders(own.page, ["'self'", 'com.example.app:']);
  });

  test('without its cookie says to open the link from the mail again, and has no button', async () => {
    const link = await service.mintReturned();
    const answer = await new Visitor(service).get(`/links/${link.id}`);
    expectPage(answer, answer.status, /email again|open your link again/i);
    expect(answer.text).not.toContain('<form');
    expect([400, 401, 403]).toContain(answer.status);
  });

  test('does not open with the cookie of another link, which stays as it was', async () => {
    const [mine, theirs] = [await arrive({ purpose: 'email-verification' }), await service.mintReturned()];
    expectPage(await mine.visitor.get(`/links/${theirs.id}`), 400, /does not work/);
    for (const id of [theirs.id, 'no-such-link', mine.link.id.toLowerCase()]) {
      expectPage(await mine.visitor.press(id), 400, /does not work/);
    }
    expect((await read(theirs.id)).status).toBe('active');
    expect((await read(mine.link.id)).status).toBe('active');
    expect((await redeem({ token: mine.link.token }, 'email-verification')).status).toBe(200);
  });

  test.each(['oncelink=', 'oncelink=x', 'oncelink="', 'oncelink=%zz', 'other=1', '=', ';;;', 'oncelink=xxx…'])(
    'is refused with the cookie %s, not broken by it',
    async (text) => {
      const cookie = text.replace('xxx…', 'x'.repeat(5_000));
      const link = await service.mintReturned();
      const answer = await service.request('GET', `/links/${link.id}`, { headers: { cookie } });
      expectPage(answer, 400, /<h1>/);
    },
  );

  test("names the link's own app", async () => {
    const link = await forBare({ purpose: 'email-verification' });
    const visitor = new Visitor(service);
    await visitor.open(link.url);
    expect((await visitor.get(`/links/${link.id}`)).text).toContain('The app bare');
  });
});

describe('the button takes nothing from strangers', () => {
  const refused: [string, (nonce: string) => [Record<string, string>, Record<string, string>]][] = [
    ['of another site', (nonce) => [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, { nonce }]],
    [
      'of another site that hides its origin',
      (nonce) => [{ 'sec-fetch-site': 'cross-site', origin: 'null' }, { nonce }],
    ],
    ['of a sibling site', (nonce) => [{ 'sec-fetch-site': 'same-site' }, { nonce }]],
    ['of no site', (nonce) => [{ 'sec-fetch-site': 'none' }, { nonce }]],
    ['with another origin', (nonce) => [{ origin: 'https://evil.example' }, { nonce }]],
    [
      'with our host on another port as origin',
      (nonce) => [{ origin: `http://localhost:${service.port + 1}` }, { nonce }],
    ],
    ['with our origin as the beginning of another', (nonce) => [{ origin: `${service.url}.evil.example` }, { nonce }]],
    ['without any sign of where it comes from', () => [{}, {}]],
    ['with a hidden origin and no nonce', () => [{ origin: 'null' }, {}]],
    ['with a hidden origin and a guessed nonce', () => [{ origin: 'null' }, { nonce: 'A'.repeat(43) }]],
    ['with the nonce cut off', (nonce) => [{}, { nonce: nonce.slice(0, -1) }]],
  ];

  test.each(refused)('a form %s is refused, and the link stays good', async (_what, make) => {
    const { link, visitor, page } = await arrive({ purpose: 'email-verification' });
    const [headers, form] = make(nonceIn(page));
    expectPage(await visitor.press(link.id, headers, form), 403, /own page/);
    expect((await read(link.id)).status).toBe('active');
    expect((await visitor.press(link.id)).status).toBeLessThan(400);
  });

  test('the nonce of one link is none for another', async () => {
    const [one, two] = [await arrive(), await arrive()];
    expectPage(await two.visitor.press(two.link.id, {}, { nonce: nonceIn(one.page) }), 403, /own page/);
  });

  test.each<[string, (nonce: string) => [Record<string, string>, Record<string, string>]]>([
    ['Fetch Metadata that says same-origin', () => [SAME_ORIGIN, {}]],
    ['our origin', () => [{ origin: service.url }, {}]],
    ['a hidden origin and the nonce', (nonce) => [{ origin: 'null' }, { nonce }]],
    ['nothing but the nonce', (nonce) => [{}, { nonce }]],
  ])('a form with %s is ours', async (_what, make) => {
    const { link, visitor, page } = await arrive();
    const [headers, form] = make(nonceIn(page));
    expect((await visitor.press(link.id, headers, form)).status).toBe(303);
  });

  test('without the cookie it only says to open the link again', async () => {
    const link = await service.mintReturned({ purpose: 'email-verification' });
    const answer = await new Visitor(service).press(link.id);
    expectPage(answer, answer.status, /open your link again/i);
    expect([400, 401, 403]).toContain(answer.status);
    expect((await read(link.id)).status).toBe('active');
  });
});

describe.each(['password-reset', 'magic-link'])('the button of %s', (purpose) => {
  test('hands a code over to the app and uses nothing up, however often it is pressed', async () => {
    const { link, visitor } = await arrive({ purpose });
    const answers = [await visitor.press(link.id), await visitor.press(link.id)];
    for (const answer of answers) {
      expect(answer.status).toBe(303);
      expectSafeHeaders(answer, policyOf(answer.headers)['form-action']);
      const target = new URL(answer.headers.get('location')!);
      expect(target.origin + target.pathname).toBe('https://app.example/callback');
      expect([...target.searchParams.keys()].sort()).toEqual(['code', 'iss', 'keep', 'purpose']);
      expect(target.searchParams.get('keep')).toBe('1');
      expect(target.searchParams.get('purpose')).toBe(purpose);
      expect(target.searchParams.get('iss')).toBe(service.settings.publicUrl);
      expect(target.href).not.toContain(link.token);
    }
    expect((await read(link.id)).status).toBe('active');
    const [first, second] = answers.map(codeIn);
    expect((await redeem({ code: second }, purpose)).body.link.id).toBe(link.id);
    expectProblem(await redeem({ code: second }, purpose), 'link_redeemed');
    expectProblem(await redeem({ code: first }, purpose), 'link_redeemed');
    expectPage(await visitor.press(link.id), 410, /already been used/);
  });

  test('hands over a code of five minutes', async () => {
    const { link, visitor } = await arrive({ purpose });
    const code = codeIn(await visitor.press(link.id));
    clock.advance(301);
    expectProblem(await redeem({ code }, purpose), 'link_expired');
    const fresh = codeIn(await visitor.press(link.id));
    expect((await redeem({ code: fresh }, purpose)).status).toBe(200);
  });

  test('hands over no code that outlives the link', async () => {
    const { link, visitor } = await arrive({ purpose, expiresIn: 90 });
    clock.advance(60);
    const code = codeIn(await visitor.press(link.id));
    const { exp } = JSON.parse(Buffer.from(code.split('.')[1]!, 'base64url').toString());
    expect(exp * 1000).toBeLessThanOrEqual(Date.parse((await read(link.id)).expiresAt));
    clock.advance(30);
    expectProblem(await redeem({ code }, purpose), 'link_expired');
    expectPage(await visitor.press(link.id), 410, /expired/);
  });

  test('goes to the redirect URI of the link itself', async () => {
    const { link, visitor } = await arrive({ purpose, redirectUri: 'com.example.app:/done' });
    expect((await visitor.press(link.id)).headers.get('location')).toMatch(/^com\.example\.app:\/done\?code=/);
  });

  test('says so if there is nowhere to go, and uses nothing up', async () => {
    const link = await forBare({ purpose });
    const visitor = new Visitor(service);
    expectPage(await visitor.confirm(link), 422, /<h1>/);
    expect((await bare('GET', `/v1/links/${link.id}`)).body.status).toBe('active');
  });

  test('hands over a code that holds no personal data', async () => {
    const { link, visitor } = await arrive({ purpose, subject: 'user_in_code', data: { a: 'private' } });
    const code = codeIn(await visitor.press(link.id));
    const payload = Buffer.from(code.split('.')[1]!, 'base64url').toString();
    expect(payload).not.toMatch(/@example\.com|private/);
  });
});

describe('the button of email-verification', () => {
  const purpose = 'email-verification';

  test('redeems the link and says that it is done; pressing again in the same browser shows the same', async () => {
    const { link, visitor } = await arrive({ purpose });
    const first = await visitor.press(link.id);
    expectPage(first, 200, /confirmed/);
    const { status, redeemedAt } = await read(link.id);
    expect(status).toBe('redeemed');
    clock.advance(5);
    const second = await visitor.press(link.id);
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect((await read(link.id)).redeemedAt).toBe(redeemedAt);
    expectProblem(await redeem({ token: link.token }, purpose), 'link_redeemed');
  });

  test('redeems the link and goes to its redirect URI with a code that can be inspected and not redeemed', async () => {
    const { link, visitor, page } = await arrive({ purpose, redirectUri: CALLBACK, data: { plan: 'pro' } });
    expectSafeHeaders(page, ["'self'", 'https://app.example']);
    const answers = [await visitor.press(link.id), await visitor.press(link.id)];
    for (const answer of answers) {
      expect(answer.status).toBe(303);
      const code = codeIn(answer);
      const inspected = await service.api('POST', '/v1/links/inspect', { code, purpose });
      expect(inspected.body).toMatchObject({ link: { id: link.id, status: 'redeemed', data: { plan: 'pro' } } });
      expectProblem(await redeem({ code }, purpose), 'link_redeemed');
      expectProblem(await bare('POST', '/v1/links/inspect', { code, purpose }), 'token_invalid');
      expectProblem(await service.api('POST', '/v1/links/inspect', { code, purpose: 'magic-link' }), 'token_invalid');
    }
    clock.advance(301);
    expect((await service.api('POST', '/v1/links/inspect', { code: codeIn(answers[0]!), purpose })).status).toBe(410);
  });

  test('shows in another browser that the link was used', async () => {
    const { link, visitor } = await arrive({ purpose });
    await visitor.press(link.id);
    expectPage(await new Visitor(service).open(link.url), 410, /already been used/);
  });

  test('pressed by twelve at the same instant redeems once and shows all of them the same', async () => {
    const { link, visitor } = await arrive({ purpose });
    const answers = await Promise.all(Array.from({ length: 12 }, () => visitor.press(link.id)));
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
  });

  test('lets its form go nowhere but to itself when there is no redirect URI', async () => {
    const link = await forBare({ purpose });
    const visitor = new Visitor(service);
    await visitor.open(link.url);
    expectSafeHeaders(await visitor.get(`/links/${link.id}`), ["'self'"]);
    expectPage(await visitor.press(link.id), 200, /confirmed/);
  });

  test('leaves a fingerprint to be judged by the app', async () => {
    const { link, visitor } = await arrive({ purpose, redirectUri: CALLBACK, fingerprint: 'v1' });
    const code = codeIn(await visitor.press(link.id));
    expect((await read(link.id)).status).toBe('active');
    expectProblem(await redeem({ code, fingerprint: 'v2' }, purpose), 'fingerprint_mismatch');
    expect((await redeem({ code, fingerprint: 'v1' }, purpose)).status).toBe(200);
  });
});

describe('nothing that a client claims about addresses', () => {
  const LIES = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '666',
    'x-forwarded-prefix': '/evil',
    'x-original-url': '/evil',
    forwarded: 'host=evil.example;proto=https',
  };
  /** `fetch` sets the host itself. */
  function lie(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<{ status: number; all: string }> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { port: service.port, host: '127.0.0.1', method, path, headers: { ...headers, ...LIES }, agent: false },
        (response) => {
          let text = '';
          response.on('data', (chunk) => (text += String(chunk)));
          response.on('end', () =>
            resolve({ status: response.statusCode!, all: JSON.stringify(response.headers) + text }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  test('reaches a link, a redirect or a cookie', async () => {
    const { authorization } = { authorization: `Bearer ${service.settings.apiKey}` };
    const minted = await lie(
      'POST',
      '/v1/links',
      { authorization, 'content-type': 'application/json' },
      JSON.stringify(mintBody({ delivery: 'return' })),
    );
    const link = JSON.parse(minted.all.slice(minted.all.indexOf('}{') + 1)) as Minted;
    expect(link.url).toBe(`${service.settings.publicUrl}/l/${link.token}`);
    const opened = await lie('GET', `/l/${link.token}`, {});
    const cookie = `oncelink=${link.token}`;
    const shown = await lie('GET', `/links/${link.id}`, { cookie });
    const pressed = await lie('POST', `/links/${link.id}`, {
      cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
    });
    const others = [await lie('GET', '/l/x', {}), await lie('GET', '/links/x', {})];
    expect([minted, opened, shown, pressed].map(({ status }) => status)).toEqual([201, 303, 200, 303]);
    for (const { all } of [minted, opened, shown, pressed, ...others]) expect(all).not.toContain('evil.');
    expect(opened.all).not.toContain('__Secure-');
  });
});

describe('on https', () => {
  let secure: TestService;
  const base = 'https://links.example.com/once';
  beforeAll(async () => {
    secure = await startService({ env: { PUBLIC_URL: `${base}/`, REDIRECT_URIS: CALLBACK } });
  });
  afterAll(() => secure.stop());

  test('the cookie is __Secure-, every page answer has HSTS, and a path before ours is kept', async () => {
    const link = await secure.mintReturned();
    expect(link.url).toBe(`${base}/l/${link.token}`);
    const visitor = new Visitor(secure);
    const opened = await visitor.open(link.url);
    expect(opened.headers.get('location')).toBe(`/once/links/${link.id}`);
    expect(visitor.setCookie).toMatch(/^__Secure-oncelink=/);
    const attributes = visitor.setCookie!.toLowerCase().split(/; */).slice(1);
    expect(attributes).toEqual(
      expect.arrayContaining(['secure', 'httponly', 'samesite=lax', `path=/once/links/${link.id}`.toLowerCase()]),
    );
    const page = await visitor.get(`/links/${link.id}`);
    expect(page.text).toContain(`action="/once/links/${link.id}"`);
    const pressed = await visitor.press(link.id, { origin: 'https://links.example.com' });
    expect(pressed.status).toBe(303);
    expect(new URL(pressed.headers.get('location')!).searchParams.get('iss')).toBe(base);
    const refused = [
      await visitor.press(link.id, { origin: 'http://links.example.com' }),
      await visitor.open('/l/x'),
      await visitor.get('/l/a/b'),
    ];
    for (const answer of [opened, page, pressed, ...refused]) {
      const [, seconds] = /max-age=(\d+)/.exec(answer.headers.get('strict-transport-security') ?? '') ?? [];
      expect(Number(seconds)).toBeGreaterThanOrEqual(31_536_000);
    }
  });
});

describe('strangers who try many tokens', () => {
  let besieged: TestService;
  beforeAll(async () => {
    besieged = await startService({ env: { REDIRECT_URIS: CALLBACK } });
  });
  afterAll(() => besieged.stop());

  test('are throttled by address, and the holder of a good link at the same address is not', async () => {
    const link = await besieged.mintReturned();
    const attempts: Answer[] = [];
    for (let attempt = 0; attempt < 300 && attempts.at(-1)?.status !== 429; attempt++) {
      // A made-up forwarding header makes no new stranger: no proxy is trusted.
      attempts.push(
        await besieged.request('GET', `/l/a.b.${attempt}`, {
          headers: { 'x-forwarded-for': `10.0.0.${attempt % 250}` },
        }),
      );
    }
    expectPage(attempts[0]!, 400, /does not work/);
    expectPage(attempts.at(-1)!, 429, /wait/i);
    expect(attempts.at(-1)!.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    const visitor = new Visitor(besieged);
    expect((await visitor.confirm(link)).status).toBe(303);
    expect((await besieged.mint()).status).toBe(201);
    expectProblem(
      await besieged.api('POST', '/v1/links/redeem', { token: 'a.b.c', purpose: 'magic-link' }),
      'token_invalid',
    );
    const guess = await besieged.request('GET', '/v1/links', {
      headers: { authorization: 'Bearer olk_a_01234567890123456789' },
    });
    expectProblem(guess, 'rate_limited');
  });
});

test.each(['/%6c/abc', '/l%2Fabc', '/links/%6c', '/%6cinks/abc'])(
  '%s: however it is spelled, a person is shown a page',
  async (path) => {
    const answer = await service.request('GET', path);
    if (answer.headers.get('content-type')?.startsWith('application/problem')) expect(answer.status).toBe(404);
    else expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    if (/^\/(%6c|%6cinks)\//.test(path)) expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  },
);

test('the documentation is not indexed or framed, runs its own scripts only, and tells nobody where its readers come from', async () => {
  const { headers } = await service.request('GET', '/docs');
  expect([headers.get('x-robots-tag'), headers.get('referrer-policy')]).toEqual(['noindex, nofollow', 'no-referrer']);
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self';.* frame-ancestors 'none'$/,
  );
});
