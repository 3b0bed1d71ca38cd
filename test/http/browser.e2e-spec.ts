import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../support/browser.js';
import { endTls, serveHttps, type HttpsServer } from '../support/https.js';
import { freePort, startService, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';

/**
 * The pages as a real browser sees them, on https behind a proxy: `localhost` is ours, `127.0.0.1` is another site (its
 * pages are the app's and, with others, an attacker's).
 */
const templates = new TemplatesCopy();
const VERIFIER = 'a-secret-of-the-requesting-browser';
const codeChallenge = createHash('sha256').update(VERIFIER).digest('base64url');

let service: TestService;
let proxy: HttpsServer;
let elsewhere: HttpsServer;
let browser: Browser;
let ours: string;
let theirs: string;
/** What arrived at our site, and at the other one. */
let seen: IncomingMessage[] = [];
let seenElsewhere: IncomingMessage[] = [];
/** What the other site answers. */
let foreignPage = '';

beforeAll(async () => {
  templates.copy('purposes/magic-link', 'purposes/strict-login');
  templates.edit('purposes/strict-login/purpose.yaml', 'binding: optional', 'binding: required');
  templates.edit('purposes/strict-login/purpose.yaml', 'oneTimeCode: none', 'oneTimeCode: screen');
  templates.copy('purposes/magic-link', 'purposes/here-only');
  templates.edit('purposes/here-only/purpose.yaml', 'binding: optional', 'binding: required');
  const port = await freePort();
  ours = `https://localhost:${port}`;
  elsewhere = await serveHttps((request, response) => {
    seenElsewhere.push(request);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(foreignPage);
  });
  theirs = `https://127.0.0.1:${elsewhere.port}`;
  const env = {
    PUBLIC_URL: ours,
    REDIRECT_URIS: `${theirs}/callback`,
    TRUST_PROXY: '1',
    TEMPLATES_DIR: templates.directory,
  };
  [service, browser] = await Promise.all([startService({ env }), launchBrowser()]);
  proxy = await endTls(
    port,
    () => service.port,
    (request) => seen.push(request),
  );
}, 60_000);
afterAll(async () => {
  await browser.close();
  await Promise.all([service.stop(), proxy.stop(), elsewhere.stop()]);
  templates.discard();
});

let context: BrowserContext;
let page: Page;
const newContext = (more: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> =>
  browser.newContext({ ignoreHTTPSErrors: true, ...more });
beforeEach(async () => {
  seen = [];
  seenElsewhere = [];
  foreignPage = '<!doctype html><title>Another site</title>';
  context = await newContext();
  page = await context.newPage();
});
afterEach(() => context.close());

const statusOf = async (id: string): Promise<string> => (await service.api('GET', `/v1/links/${id}`)).body.status;
const button = '.button:not(.second)';
const mint = (body: object = {}) =>
  service.mintReturned({ purpose: 'magic-link', ...body }) as Promise<{
    id: string;
    url: string;
    token: string;
    oneTimeCode: string;
  }>;
const redeem = (body: object) => service.api('POST', '/v1/links/redeem', { purpose: 'magic-link', ...body });
const codeAt = (url: string): string => new URL(url).searchParams.get('code')!;

test('the token is in no address bar, history, timing entry, referrer, script-readable cookie or storage', async () => {
  const { id, url, token } = await mint();
  foreignPage = `<a href="${url}" rel="noreferrer">A mail</a>`;
  await page.goto(`${theirs}/mail`);
  await page.click('a');
  await page.waitForURL(`${ours}/links/${id}`);
  // With an icon of its own, else a browser asks this site for one, too, and tells it which page wants it.
  foreignPage = '<!doctype html><title>The app</title><link rel="icon" href="data:,">';
  seenElsewhere = [];
  expect(page.url()).toBe(`${ours}/links/${id}`);
  const traces = (): Promise<string> =>
    page.evaluate(() => {
      const scope = globalThis as unknown as Record<string, any>;
      return JSON.stringify([
        scope.location.href,
        scope.navigation.entries().map((entry: { url: string }) => entry.url),
        scope.performance.getEntries(),
        scope.document.referrer,
        scope.document.cookie,
        { ...scope.localStorage, ...scope.sessionStorage },
        scope.document.documentElement.outerHTML,
      ]);
    });
  expect(await traces()).not.toContain(token);
  await page.click(button);
  await page.waitForURL(`${theirs}/callback?**`);
  expect(await traces()).not.toContain(token);

  const debug = await context.newCDPSession(page);
  const { entries } = (await debug.send('Page.getNavigationHistory')) as { entries: { url: string }[] };
  // What the history shows; Chromium keeps to itself, in memory, what led to an entry.
  expect(entries.map((entry) => entry.url).join()).not.toContain(token);
  for (const { headers, url: target } of seenElsewhere) {
    expect([headers.referer, headers.cookie]).toEqual([undefined, undefined]);
    expect(target).not.toContain(token);
  }
  expect(seen.filter(({ headers }) => headers.referer !== undefined)).toEqual([]);
  expect(seenElsewhere).toHaveLength(1);
  expect((await redeem({ code: codeAt(page.url()) })).status).toBe(200);
});

test('nothing is fetched from anywhere: the page is one answer', async () => {
  const { url } = await mint();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  await page.waitForLoadState('networkidle');
  expect(requests.map((one) => new URL(one).pathname.split('/')[1])).toEqual(['l', 'links']);
});

test('the cookie is for this page alone, out of reach for scripts, and travels on https only', async () => {
  const [one, other] = [await mint(), await mint()];
  await page.goto(one.url);
  expect(await context.cookies()).toEqual([
    expect.objectContaining({
      name: '__Secure-oncelink',
      value: one.token,
      domain: 'localhost',
      path: `/links/${one.id}`,
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
    }),
  ]);
  seen = [];
  await page.goto(`${ours}/links/${other.id}`);
  await page.goto(`${ours}/links/${one.id}x`);
  await page.goto(`${ours}/demo`);
  expect(seen.filter(({ headers }) => headers.cookie?.includes(one.token))).toEqual([]);
  await page.goto(`${ours}/links/${one.id}`);
  expect(seen.at(-1)!.headers.cookie).toContain(one.token);
});

test('without JavaScript everything works: the button, and the code', async () => {
  const plain = await newContext({ javaScriptEnabled: false });
  const tab = await plain.newPage();
  const link = await mint();
  await tab.goto(link.url);
  await tab.click(button);
  await tab.waitForURL(`${theirs}/callback?**`);
  expect((await redeem({ code: codeAt(tab.url()) })).status).toBe(200);

  const verification = await mint({ purpose: 'email-verification' });
  await tab.goto(verification.url);
  await tab.click(button);
  expect(await tab.locator('h1').innerText()).toMatch(/confirmed/);

  const bound = await mint({ purpose: 'strict-login', codeChallenge });
  await tab.goto(bound.url);
  await tab.fill('[name=oneTimeCode]', bound.oneTimeCode.toLowerCase());
  await tab.click('.second');
  await tab.waitForURL(`${theirs}/callback?**`);
  expect((await redeem({ purpose: 'strict-login', code: codeAt(tab.url()) })).status).toBe(200);
  await plain.close();
});

test('no frame shows a page of ours, whoever makes it', async () => {
  const { id, url } = await mint();
  await page.goto(url); // the cookie is there
  foreignPage = `<iframe src="${ours}/links/${id}"></iframe><iframe src="${url}"></iframe>`;
  for (const site of [theirs, ours]) {
    if (site === ours)
      await page.route(`${ours}/frames`, (route) => route.fulfill({ body: foreignPage, contentType: 'text/html' }));
    await page.goto(`${site}/frames`);
    await page.waitForLoadState('networkidle');
    const frames = page.frames().filter((frame) => frame !== page.mainFrame());
    expect(frames).toHaveLength(2);
    for (const frame of frames) expect(await frame.locator('button').count()).toBe(0);
  }
  expect(await statusOf(id)).toBe('active');
});

test('a window that another site opened is cut off from it', async () => {
  const { id, url } = await mint();
  foreignPage = `<a href="#" onclick="w = window.open('${url}'); return false">open</a>`;
  await page.goto(`${theirs}/`);
  const [popup] = await Promise.all([context.waitForEvent('page'), page.click('a')]);
  await popup.waitForURL(`${ours}/links/${id}`);
  expect(await popup.evaluate(() => (globalThis as unknown as { opener: unknown }).opener)).toBeNull();
  expect(await page.evaluate(() => (globalThis as unknown as { w: { closed: boolean } }).w.closed)).toBe(true);
});

test.each(['password-reset', 'email-verification'])(
  'a form of another site does not press the button of %s, though the browser holds the cookie',
  async (purpose) => {
    const { id, url } = await mint({ purpose });
    await page.goto(url);
    foreignPage = `<form method="post" action="${ours}/links/${id}"><input name="nonce" value="x"><button>Win a prize</button></form>`;
    await page.goto(`${theirs}/`);
    seen = [];
    await page.click('button');
    await page.waitForURL(`${ours}/links/${id}`);
    expect(await page.locator('h1').innerText()).toMatch(/open your link again/i);
    const [posted] = seen;
    expect([posted!.method, posted!.headers['sec-fetch-site'], posted!.headers.cookie]).toEqual([
      'POST',
      'cross-site',
      undefined,
    ]);
    expect(await statusOf(id)).toBe('active');
    // With a token that was stolen and put into the cookie by force, it is still not our form.
    const forced = await context.request.post(`${ours}/links/${id}`, {
      form: { nonce: 'x' },
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(forced.status()).toBe(403);
    expect(await statusOf(id)).toBe('active');
  },
);

test('what is slipped into the page does not run, does not load, does not style, and sends the form nowhere else', async () => {
  const { id, url } = await mint();
  await page.goto(url);
  seenElsewhere = [];
  const blocked = await page.evaluate(async (site) => {
    const { document, addEventListener, setTimeout } = globalThis as unknown as Record<string, any>;
    const directives: string[] = [];
    addEventListener('securitypolicyviolation', (event: { effectiveDirective: string }) =>
      directives.push(event.effectiveDirective),
    );
    document.body.insertAdjacentHTML(
      'beforeend',
      `<img src="${site}/i"><iframe src="${site}/f"></iframe><style>main { display: none }</style>
       <link rel="stylesheet" href="${site}/s"><p style="color:red" onclick="hit = 1">x</p><base href="${site}/">`,
    );
    for (const [kind, text] of [
      ['text', 'hit = 1'],
      ['src', `${site}/j`],
    ] as const) {
      const script = document.createElement('script');
      script[kind] = text;
      document.body.append(script);
    }
    document.querySelector('p[style]').click();
    const form = document.querySelector('form');
    form.action = `${site}/elsewhere-than-the-app`.replace('https:', 'http:');
    form.submit();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return [...new Set(directives)].sort();
  }, theirs);
  expect(blocked).toEqual(
    [
      'base-uri',
      'form-action',
      'frame-src',
      'img-src',
      'script-src-attr',
      'script-src-elem',
      'style-src-attr',
      'style-src-elem',
    ].sort(),
  );
  expect(await page.evaluate(() => (globalThis as unknown as { hit?: number }).hit)).toBeUndefined();
  expect(await page.locator('main').isVisible()).toBe(true);
  expect(seenElsewhere).toEqual([]);
  expect(await statusOf(id)).toBe('active');
});

test('a used link does not come back with the back button', async () => {
  const { url } = await mint({ purpose: 'email-verification', redirectUri: `${theirs}/callback` });
  await page.goto(url);
  await page.click(button);
  await page.waitForURL(`${theirs}/callback?**`);
  await page.goBack();
  expect(await page.locator('h1').innerText()).toMatch(/already been used/);
});

describe('a link that must finish where it began', () => {
  test('in another browser: the button gets no further, the code of the first screen does, and nothing is used up before', async () => {
    const link = await mint({ purpose: 'strict-login', codeChallenge });
    await page.goto(link.url);
    await page.click(button);
    await page.waitForURL(`${theirs}/callback?**`);
    const refused = await redeem({ purpose: 'strict-login', code: codeAt(page.url()) });
    expect([refused.status, refused.body.code]).toEqual([409, 'binding_mismatch']);

    await page.goto(link.url);
    const field = page.getByLabel('Code from the other screen');
    await field.fill(link.oneTimeCode.startsWith('2') ? '3333-3333' : '2222-2222');
    await page.getByRole('button', { name: 'Continue with the code' }).click();
    await page.waitForSelector('[aria-invalid]');
    expect(await page.locator('#fault').innerText()).toMatch(/not the code/);
    expect(
      await field.evaluate(
        (one) => one === (one as unknown as { ownerDocument: { activeElement: unknown } }).ownerDocument.activeElement,
      ),
    ).toBe(true);

    await field.fill(` ${link.oneTimeCode.toLowerCase().replace('-', ' – ')} `);
    await page.getByRole('button', { name: 'Continue with the code' }).click();
    await page.waitForURL(`${theirs}/callback?**`);
    expect(await statusOf(link.id)).toBe('active');
    expect((await redeem({ purpose: 'strict-login', code: codeAt(page.url()) })).status).toBe(200);
  });

  test('in the browser where it began: one press, and the app proves it with its own cookie', async () => {
    const link = await mint({ purpose: 'here-only', codeChallenge });
    await page.goto(link.url);
    expect(await page.locator('main').innerText()).toMatch(/only in the browser you asked for it with/);
    await page.click(button);
    await page.waitForURL(`${theirs}/callback?**`);
    const answer = await redeem({ purpose: 'here-only', code: codeAt(page.url()), codeVerifier: VERIFIER });
    expect([answer.status, answer.body.sameBrowser]).toEqual([200, true]);
  });
});

describe.each([
  ['light', 1280, 'en'],
  ['dark', 360, 'de'],
  ['light', 360, 'ja'],
  ['dark', 1280, 'ar'],
] as const)('every form of the confirm page, %s, %i px, %s', (colorScheme, width, locale) => {
  test('is readable, reachable and needs no scrolling sideways', async () => {
    const looks = await newContext({ colorScheme, viewport: { width, height: 800 } });
    const tab = await looks.newPage();
    const look = async (name: string): Promise<void> => {
      await screenshot(tab, `${name}-${colorScheme}-${width}-${locale}`);
      const wide = await tab.evaluate('document.documentElement.scrollWidth > window.innerWidth');
      expect({ name, faults: await axe(tab), wide, lang: await tab.locator('html').getAttribute('lang') }).toEqual({
        name,
        faults: [],
        wide: false,
        lang: locale,
      });
    };
    const hereOnly = await mint({ purpose: 'here-only', codeChallenge, locale });
    await tab.goto(hereOnly.url);
    await look('confirm-here-only');
    const strict = await mint({ purpose: 'strict-login', codeChallenge, locale });
    await tab.goto(strict.url);
    await look('confirm-code');
    for (let guess = 1; guess <= 5; guess++) {
      await tab.fill('[name=oneTimeCode]', strict.oneTimeCode.startsWith('2') ? '3333-3333' : '2222-2222');
      await Promise.all([tab.waitForEvent('domcontentloaded'), tab.click('.second')]);
      expect(await tab.locator('[name=oneTimeCode]').count()).toBe(guess < 5 ? 1 : 0);
      if (guess === 1) await look('confirm-code-wrong');
    }
    await look('confirm-code-dead');
    await looks.close();
  }, 60_000);
});
