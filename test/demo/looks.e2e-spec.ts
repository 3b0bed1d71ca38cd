import type { Browser } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../support/browser.js';
import { Person } from './person.js';
import { Service, until } from './service.js';

const PASSWORD = 'fog on the lake';

let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([Service.start(), launchBrowser()]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

describe.each([
  ['light', 1280],
  ['dark', 360],
  ['light', 360],
  ['dark', 1280],
] as const)('Every page, %s, %i px wide', (colorScheme, width) => {
  let ann: Person;
  const email = `ann.${colorScheme}.${width}@example.com`;

  beforeAll(async () => {
    ann = await Person.with(browser, service, { colorScheme, viewport: { width, height: 800 } });
  });
  afterAll(() => ann.context.close());

  /** No accessibility faults, nothing that needs scrolling sideways, nothing that the page's own policy blocks. */
  const look = async (name: string, page = ann.page): Promise<void> => {
    await screenshot(page, `${name}-${colorScheme}-${width}`);
    const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
    expect({ page: name, faults: await axe(page), wide }).toEqual({ page: name, faults: [], wide: false });
  };

  it('of signing up', async () => {
    await ann.visit('/demo');
    await look('home');
    await ann.signUp('Ann', email, 'short');
    await look('sign-up');
    await ann.fill({ Password: PASSWORD });
    await ann.press('Sign up');
    await look('check-inbox');
    await ann.logIn(email, 'not the password');
    await look('log-in');
    await ann.logIn(email, PASSWORD);
    await look('account');
    await ann.press('Send it again');
    await look('too-many');
    await ann.openMail(email);
    await look('confirm-verification');
    await ann.confirm();
    await look('verified');
    await ann.press('Open your notebook');
    await look('account-verified');
    await ann.page.getByRole('button', { name: 'Log out' }).click();
    await ann.page.waitForURL('**/demo');
  }, 60_000);

  it('of logging in with a link', async () => {
    const phone = await Person.with(browser, service);
    await phone.askFor('/demo/magic-link', email);
    await ann.visit('/demo/magic-link');
    await look('magic-link');
    await ann.openMail(email, 2);
    await look('confirm-magic-link');
    await ann.confirm();
    await look('this-device');
    await ann.fill({ 'Email address': 'somebody.else@example.com' });
    await ann.press('Sign in here');
    await look('this-device-other-address');
    await ann.fill({ 'Email address': email });
    await ann.press('Sign in here');
    await ann.visit('/demo/signed-in');
    await look('nothing-handed-over');
    await phone.context.close();
  }, 60_000);

  it('of somebody with a long name and a long address', async () => {
    const long = await Person.with(browser, service, { colorScheme, viewport: { width, height: 800 } });
    const domain = `${'mailbox'.repeat(20).slice(0, 63)}.${colorScheme}${width}.example`;
    const address = `${'longest'.repeat(9)}@${domain}`;
    const lookAt = (name: string) => look(name, long.page);
    await long.signUp('Wolfeschlegelsteinhausenbergerdorff'.padEnd(64, 'x'), address, PASSWORD);
    await lookAt('long-check-inbox');
    await long.logIn(address, PASSWORD);
    await lookAt('long-account');
    await long.openMail(address);
    await long.confirm();
    await lookAt('long-verified');
    const elsewhere = await Person.with(browser, service);
    await elsewhere.askFor('/demo/magic-link', address);
    await long.openMail(address, 2);
    await long.confirm();
    await lookAt('long-this-device');
    await elsewhere.context.close();
    await long.context.close();
  }, 60_000);

  it('of a forgotten password', async () => {
    await ann.visit('/demo/forgot');
    await look('forgot');
    await ann.fill({ 'Email address': email });
    await ann.press('Send me a link');
    await ann.openMail(email, 3);
    await look('confirm-reset');
    await ann.confirm();
    await ann.fill({ 'New password': 'short' });
    await ann.press('Change the password');
    await look('reset');
    await ann.fill({ 'New password': 'light until midnight' });
    await ann.press('Change the password');
    await look('reset-done');
  }, 60_000);

  it('of the service when a link is not good', async () => {
    const mint = (subject: string, more: object = {}) =>
      service.mint({ purpose: 'magic-link', recipient: email, subject: `${subject}-${colorScheme}-${width}`, ...more });
    const statusOf = async (id: string): Promise<unknown> => (await service.api(`/v1/links/${id}`)).body['status'];

    const short = await mint('looks-1', { expiresIn: 1 });
    await until('the link to expire', async () => (await statusOf(short.id)) === 'expired');
    expect(await ann.visit(short.url)).toBe(410);
    await look('link-expired');

    const used = await mint('looks-2');
    await service.api('/v1/links/redeem', { token: used.token, purpose: 'magic-link' });
    expect(await ann.visit(used.url)).toBe(410);
    await look('link-used');

    const older = await mint('looks-3');
    await mint('looks-3');
    expect(await ann.visit(older.url)).toBe(410);
    await look('link-superseded');

    expect(await ann.visit(`${older.url.slice(0, -8)}AAAAAAAA`)).toBe(400);
    await look('link-invalid');

    const good = await mint('looks-4');
    await ann.context.clearCookies();
    await ann.visit(`/links/${good.id}`);
    await look('link-without-cookie');

    const page = await service.mint({
      purpose: 'email-verification',
      recipient: email,
      subject: 'looks-5',
    });
    await ann.visit(page.url);
    await ann.confirm();
    await look('after-verification-without-redirect');
  }, 60_000);

  it('of the dev inbox', async () => {
    await ann.visit('/dev/inbox');
    await look('inbox');
    await ann.visit(`/dev/inbox/${(await service.mail(email)).id}`);
    await look('mail');
    await ann.press('Text');
    await look('mail-text');
    await ann.press('Source');
    await look('mail-source');
    await ann.press('Open as a mail scanner would');
    await look('mail-scanned');
    await ann.visit('/dev/inbox/none');
    await look('mail-gone');
    await ann.visit('/dev/inbox');
    await ann.press('Clear');
    await look('inbox-empty');
    expect(await service.mails(email)).toEqual([]);
  }, 60_000);

  it('of the callback that stands in for an app not written yet', async () => {
    await ann.visit('/dev/callback');
    await look('callback-empty');
    await ann.visit(`/dev/callback?purpose=magic-link&code=${'eyJhbGciOiJIUzI1NiJ9'.repeat(12)}`);
    await look('callback');
  }, 60_000);
});
