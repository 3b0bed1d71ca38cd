import type { Browser, BrowserContext, Page } from 'playwright-core';

/** Whatever comes by mail, a machine opens it before the person does. Each visits one URL the way its kind does. */
export interface Robot {
  readonly name: string;
  visit(url: string): Promise<void>;
}

/** A minute on the page, for timers that wait; the long form waits it out, the short one turns the page's clock. */
const FULL = process.env.SCANNER_ZOO === 'full';
const MINUTE = 60_000;

const PREVIEWS = [
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'WhatsApp/2.23.20.0',
  'TelegramBot (like TwitterBot)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) SkypeUriPreview Preview/0.5',
  'Mozilla/4.0 (compatible; ms-office; MSOffice 16)',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'BarracudaCentral/1.0',
  '',
];

/** What a form filler puts in: it looks right, and it is nobody's. */
function plausible(type: string, name: string): string {
  if (type === 'email' || name === 'email') return 'scanner@example.net';
  if (type === 'password') return 'Correct-Horse-Battery-1';
  return /code/i.test(name) ? 'ABCD-EFGH' : 'Test';
}

/** Robots without a browser: plain HTTP, with a cookie jar that forgets nothing. */
export function plainRobots(): Robot[] {
  return [
    { name: 'asks by HEAD', visit: async (url) => void (await new Jar().fetch(url, { method: 'HEAD' })) },
    { name: 'asks by OPTIONS', visit: async (url) => void (await new Jar().fetch(url, { method: 'OPTIONS' })) },
    { name: 'follows redirects with no cookies', visit: async (url) => void (await fetch(url)) },
    { name: 'follows redirects with its cookies', visit: async (url) => void (await new Jar().follow(url)) },
    {
      name: 'previews links',
      visit: async (url) => {
        for (const agent of PREVIEWS) await new Jar({ 'user-agent': agent }).follow(url);
      },
    },
    {
      name: 'prefetches and prerenders',
      visit: async (url) => {
        for (const purpose of ['prefetch', 'prefetch;prerender'])
          await new Jar({ 'sec-purpose': purpose, purpose: 'prefetch' }).follow(url);
      },
    },
    {
      name: 'rewrites the link and tracks the click',
      visit: async (url) => void (await new Jar().follow(`${url}?utm_source=scan&e=1`)),
    },
    { name: 'posts to every address', visit: postEverywhere },
    { name: 'submits every form', visit: submitEverything },
  ];
}

/** Robots in a real browser, each with a profile of its own. */
export function browserRobots(browser: Browser): Robot[] {
  const inContext = (visit: (context: BrowserContext, url: string) => Promise<void>) => async (url: string) => {
    const context = await browser.newContext();
    await visit(context, url).finally(() => context.close());
  };
  return [
    { name: 'runs scripts for a minute', visit: inContext(stay) },
    { name: 'submits every form by script', visit: inContext(submitByScript) },
    {
      name: 'fills in every field and presses everything, on every page it gets to',
      visit: inContext(pressEverything),
    },
  ];
}

class Jar {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly headers: Record<string, string> = {}) {}

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...this.headers, ...(init.headers as Record<string, string>), ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      this.cookies.set(name!, value!);
    }
    return response;
  }

  async follow(url: string, init: RequestInit = {}): Promise<{ url: string; html: string }> {
    let [at, response] = [url, await this.fetch(url, init)];
    for (let hops = 0; response.headers.has('location') && hops < 5; hops++) {
      at = new URL(response.headers.get('location')!, at).href;
      response = await this.fetch(at);
    }
    return { url: at, html: await response.text() };
  }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

async function postEverywhere(url: string): Promise<void> {
  const jar = new Jar();
  const page = await jar.follow(url);
  for (const target of [url, page.url])
    await jar.follow(target, { method: 'POST', headers: FORM, body: 'confirm=yes' });
}

/** As a client without Fetch Metadata that copies the hidden fields, so that nothing tells it from an old browser. */
async function submitEverything(url: string): Promise<void> {
  const jar = new Jar();
  let pages = [await jar.follow(url)];
  for (let depth = 0; depth < 3 && pages.length > 0; depth++) {
    const next = [];
    for (const { url: at, html } of pages) {
      for (const [, attributes, inner] of html.matchAll(/<form([^>]*)>([^]*?)<\/form>/g)) {
        const action = new URL(/action="([^"]*)"/.exec(attributes!)?.[1] ?? '', at).href;
        next.push(await jar.follow(action, { method: 'POST', headers: FORM, body: filledIn(inner!) }));
      }
    }
    pages = next;
  }
}

function filledIn(form: string): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const [type = 'text', name, value] = ['type', 'name', 'value'].map(
      (key) => new RegExp(`\\b${key}="([^"]*)"`).exec(input)?.[1],
    );
    if (name) fields.set(name, type === 'hidden' ? (value ?? '') : plausible(type, name));
  }
  return fields;
}

async function stay(context: BrowserContext, url: string): Promise<void> {
  const page = await context.newPage();
  if (!FULL) await page.clock.install();
  await page.goto(url);
  if (FULL) await page.waitForTimeout(MINUTE);
  else await page.clock.runFor(MINUTE);
  await page.reload();
}

async function submitByScript(context: BrowserContext, url: string): Promise<void> {
  const page = await context.newPage();
  await page.goto(url);
  const forms = await page.locator('form').count();
  for (let index = 0; index < forms; index++) {
    await page.goto(url);
    await fillIn(page);
    const form = page.locator('form').nth(index);
    if ((await form.count()) === 0) continue;
    await Promise.all([page.waitForNavigation(), form.evaluate((one) => (one as { submit(): void }).submit.call(one))]);
  }
}

/** Every path of up to three presses from the mailed link on. */
async function pressEverything(context: BrowserContext, url: string, path: number[] = []): Promise<void> {
  const page = await context.newPage();
  await page.goto(url);
  for (const index of path) await press(page, index);
  const choices = path.length < 3 ? await pressable(page).count() : 0;
  await page.close();
  for (let index = 0; index < choices; index++) await pressEverything(context, url, [...path, index]);
}

const pressable = (page: Page) =>
  page.locator('main button, main input[type="submit"], main a[href^="/"], main a[href^="http"]');

async function press(page: Page, index: number): Promise<void> {
  const target = pressable(page).nth(index);
  if ((await target.count()) === 0) return;
  await fillIn(page);
  await Promise.all([page.waitForEvent('domcontentloaded'), target.click()]);
}

async function fillIn(page: Page): Promise<void> {
  for (const input of await page.locator('main input:not([type="hidden"]):not([readonly])').all()) {
    const [type, name] = [await input.getAttribute('type'), await input.getAttribute('name')];
    await input.fill(plausible(type ?? 'text', name ?? ''));
  }
}
