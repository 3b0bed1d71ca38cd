import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser } from './support/browser.js';
import { eventually, startService, type TestService } from './support/service.js';
import { TemplatesCopy } from './support/templates.js';

let templates: TemplatesCopy;
let service: TestService;
let browser: Browser;
beforeAll(async () => {
  templates = new TemplatesCopy();
  service = await startService({ env: { TEMPLATES_DIR: templates.directory } });
  browser = await launchBrowser();
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  templates.discard();
});

const MAIL = 'purposes/magic-link/en/mail.html.hbs';
const gallery = (): string => `${service.url}/dev/templates/`;

async function open(path = ''): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(gallery() + path);
  return page;
}

test('every purpose in every language for every app is there, as HTML, text and on a phone', async () => {
  const page = await open();
  for (const app of ['default', 'demo'])
    for (const purpose of ['magic-link', 'password-reset', 'email-verification'])
      for (const locale of ['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar'])
        expect(await page.locator(`a[href="${app}/${purpose}/${locale}.wide.html"]`).count()).toBe(1);
  expect(await axe(page)).toEqual([]);
  await page.goto(`${gallery()}demo/magic-link/de.phone.html`);
  expect(await page.frameLocator('iframe').locator('h1').textContent()).toBe('Bei Fernweh anmelden');
  await page.goto(`${gallery()}demo/magic-link/de.wide.html`);
  expect(await page.frameLocator('iframe >> nth=0').locator('h1').textContent()).toBe('Bei Fernweh anmelden');
  expect(await axe(page)).toEqual([]);
  await page.goto(`${gallery()}demo/magic-link/de.txt`);
  expect(await page.textContent('body')).toContain('Subject: Ihr Anmeldelink für Fernweh');
  await page.close();
}, 60_000);

test('every page behind a link is there, side by side as wide as a phone, and so are those without a link', async () => {
  const page = await open('demo/magic-link/ar.pages.html');
  await page.waitForLoadState('networkidle');
  const names = await page.locator('figure a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  const states = [
    ...['confirm', 'redeemed', 'expired', 'superseded', 'renewed', 'expired-for-good', 'superseded-for-good'],
    ...['revoked', 'report', 'report-wrong', 'reported'],
  ];
  expect(names).toEqual(states.map((state) => `ar/${state}.html`));
  const confirm = page.frameLocator('iframe >> nth=0');
  expect(await confirm.locator('html').getAttribute('dir')).toBe('rtl');
  expect(await confirm.locator('main').textContent()).toContain('Fernweh');
  expect(await axe(page)).toEqual([]);

  await page.goto(`${gallery()}-/fr.pages.html`);
  const known = ['token_invalid', 'cookie_missing', 'rate_limited', 'unavailable', 'error'];
  for (const state of known) expect(await page.locator(`a[href="fr/${state}.html"]`).count()).toBe(1);
  const [answer] = await Promise.all([
    page.waitForResponse(
      (response) => response.request().isNavigationRequest() && response.frame() === page.mainFrame(),
    ),
    page.click('text=token_invalid'),
  ]);
  // What was answered and not what is shown: Chromium 156 shows it, and the debugger's questions to it wait for ever.
  expect(answer.url()).toBe(`${gallery()}-/fr/token_invalid.html`);
  expect(answer.headers()['content-security-policy']).toMatch(/sandbox$/);
  expect(await answer.text()).toContain('<title>Ce lien ne fonctionne pas</title>');
  await page.close();
}, 60_000);

test('on the smallest phone nothing is cut off or runs out of the page', async () => {
  const page = await open();
  await page.setViewportSize({ width: 320, height: 640 });
  const tooWide = () =>
    page.evaluate(
      `[...document.querySelectorAll('html, .wide, h1')].filter((one) => one.scrollWidth > one.clientWidth).map(String)`,
    );
  expect(await tooWide()).toEqual([]);
  expect(await axe(page)).toEqual([]);
  const words = 'purposes/magic-link/en/mail.text.hbs';
  const long = `Subject: ${'Donaudampfschifffahrt'.repeat(4)}`;
  await page.goto(`${gallery()}default/magic-link/en.wide.html`);
  templates.edit(words, 'Subject: Your', `${long} Your`);
  await page.locator('h1', { hasText: 'Donau' }).waitFor();
  expect(await tooWide()).toEqual([]);
  templates.edit(words, `${long} Your`, 'Subject: Your');
  await page.close();
}, 60_000);

test('a purpose is shown as its policy has it, and no other way', async () => {
  const read = async (path: string) => (await service.request('GET', `/dev/templates/default/${path}`)).text;
  const policy = 'purposes/email-verification/purpose.yaml';
  for (const page of ['en.html', 'en.txt', 'en/confirm.html'])
    expect(await read(`email-verification/${page}`)).not.toMatch(/7K2M-9QXT|oneTimeCode|the browser you asked/);
  expect(await read('email-verification/en.txt')).toContain('expires in 24 hours, on January 16, 2026 at 13:35 UTC');
  templates.edit(policy, 'default: 24h', 'default: 3d');
  templates.edit(policy, 'binding: optional', 'binding: required');
  templates.edit(policy, 'oneTimeCode: none', 'oneTimeCode: screen');
  await eventually(async () => (await read('email-verification/en.txt')).includes('expires in 3 days'));
  for (const part of ['en.html', 'en.txt']) expect(await read(`email-verification/${part}`)).not.toContain('7K2M-9QXT');
  expect(await read('email-verification/en/confirm.html')).toContain('name="oneTimeCode"');
  for (const state of ['code-incorrect', 'code-exhausted', 'done'])
    expect(await read('email-verification/en.pages.html')).toContain(`en/${state}.html`);
}, 60_000);

test('there is a way back: to the templates, the inbox and the demo', async () => {
  const page = await open('default/magic-link/en.wide.html');
  const ways = page.getByRole('navigation').getByRole('link');
  expect(await ways.allTextContents()).toEqual(['All templates', 'Dev inbox', 'Demo app']);
  await ways.first().click();
  await page.waitForURL('**/dev/templates/index.html');
  expect(await ways.allTextContents()).toEqual(['Dev inbox', 'Demo app']);
  await ways.first().click();
  await page.waitForURL('**/dev/inbox');
  await page.close();
}, 60_000);

test('they are what the service sends', async () => {
  const { url } = await service.mintReturned({ purpose: 'magic-link', locale: 'es', expiresIn: 600 });
  const visitor = await browser.newPage();
  await visitor.goto(url);
  const sent = await visitor.locator('main').textContent();
  await visitor.goto(`${gallery()}default/magic-link/es/confirm.html`);
  expect(await visitor.locator('main').textContent()).toBe(sent);
  await visitor.close();
}, 60_000);

test('a change of a file is shown without a restart, and so is a fault', async () => {
  const page = await open();
  templates.edit('purposes/magic-link/en/mail.text.hbs', 'Subject: Your', 'Subject: A brand new');
  await page.getByText('A brand new sign-in link for Fernweh').waitFor();
  const line = templates.edit(MAIL, '{{/heading}}', '{{nonsense}}{{/heading}}');
  await page.getByRole('alert').getByText(`${MAIL}:${line} uses an unknown variable`).waitFor();
  templates.edit(MAIL, '{{nonsense}}', '');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.goto(`${gallery()}default/magic-link/en.wide.html`);
  templates.edit(MAIL, '{{/heading}}', ' at once{{/heading}}');
  await page.frameLocator('iframe >> nth=0').locator('h1').getByText('at once').waitFor();
  templates.edit('purposes/magic-link/en/mail.text.hbs', 'Subject: A brand new', 'Subject: Another');
  await page.frameLocator('iframe >> nth=1').getByText('Subject: Another sign-in link').waitFor();
  await page.goto(`${gallery()}default/magic-link/en.pages.html`);
  templates.edit('purposes/magic-link/en/page.yaml', 'button:', 'button: Now ');
  await page.frameLocator('iframe >> nth=0').getByRole('button', { name: 'Now' }).waitFor();
  await page.close();
}, 60_000);
