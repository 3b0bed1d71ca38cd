import PostalMime from 'postal-mime';
import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../support/browser.js';
import { reportUrlIn, urlIn } from '../support/relay.js';
import { eventually, HandSetClock, startService, type TestService } from '../support/service.js';

/** The pages behind a mail's last line and behind a link that has run out, as people see them. */
const clock = new HandSetClock();
let service: TestService;
let browser: Browser;
beforeAll(async () => {
  const env = { REDIRECT_URIS: 'https://app.example/callback' };
  [service, browser] = await Promise.all([startService({ clock, env }), launchBrowser()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

describe.each([
  ['light', 1280, 'en'],
  ['dark', 360, 'de'],
  ['light', 360, 'ja'],
  ['dark', 1280, 'ar'],
] as const)('%s, %i px, %s', (colorScheme, width, locale) => {
  let page: Page;
  beforeAll(async () => void (page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })));
  afterAll(() => page.context().close());

  const look = async (name: string): Promise<void> => {
    await screenshot(page, `${name}-${colorScheme}-${width}-${locale}`);
    const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
    const lang = await page.locator('html').getAttribute('lang');
    expect({ name, faults: await axe(page), wide, lang }).toEqual({ name, faults: [], wide: false, lang: locale });
  };
  const press = () => Promise.all([page.waitForEvent('domcontentloaded'), page.click('.button:not(.second)')]);

  /** Mails a link. @returns whom it is for, and the mail as they read it */
  const mailed = async (purpose: string): Promise<{ recipient: string; text: string | undefined }> => {
    const { id, recipient } = (await service.mint({ locale, purpose })).body;
    const mail = await eventually(() => service.inbox.list().find(({ messageId }) => messageId.includes(id)));
    return { recipient, text: (await PostalMime.parse(mail.raw)).text };
  };

  test('“this wasn’t me”: the form, a wrong address, thanks', async () => {
    const { recipient, text } = await mailed('magic-link');
    await page.goto(reportUrlIn(text));
    await look('report');
    await page.fill('[name=address]', 'somebody.else@example.com');
    await press();
    await page.locator('#fault').waitFor();
    await look('report-wrong');
    await page.fill('[name=address]', recipient);
    await press();
    await page.locator('.icon').waitFor();
    await look('reported');
  }, 60_000);

  test('“send me a new one”: the offer, and what follows', async () => {
    const { text } = await mailed('password-reset');
    clock.advance(3_600);
    await page.goto(urlIn(text));
    expect(await page.locator('form[action$="/renew"]').count()).toBe(1);
    await look('renewal');
    await press();
    await look('renewed');
  }, 60_000);
});
