import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser } from './support/browser.js';
import { startService, type TestService } from './support/service.js';
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
        expect(await page.locator(`a[href$="/${app}/${purpose}/${locale}.html"]`).count()).toBe(1);
  expect(await axe(page)).toEqual([]);
  await page.goto(`${gallery()}demo/magic-link/de.phone.html`);
  expect(await page.frameLocator('iframe').locator('h1').textContent()).toBe('Bei Fernweh anmelden');
  await page.goto(`${gallery()}demo/magic-link/de.txt`);
  expect(await page.textContent('body')).toContain('Subject: Ihr Anmeldelink für Fernweh');
  await page.close();
}, 60_000);

test('a change of a file is shown without a restart, and so is a fault', async () => {
  const page = await open();
  templates.edit('purposes/magic-link/en/mail.text.hbs', 'Subject: Your', 'Subject: A brand new');
  await page.getByText('A brand new sign-in link for Fernweh').waitFor();
  const line = templates.edit(MAIL, '{{/heading}}', '{{nonsense}}{{/heading}}');
  await page.getByRole('alert').getByText(`${MAIL}:${line} uses an unknown variable`).waitFor();
  templates.edit(MAIL, '{{nonsense}}', '');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.close();
}, 60_000);
