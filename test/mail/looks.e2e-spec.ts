import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { App } from '../../src/apps/app.js';
import { mailSamples } from '../../src/preview/mail-samples.js';
import { readTemplates } from '../../src/templates.js';
import { axe, launchBrowser } from '../support/browser.js';
import { differences } from '../support/pictures.js';
import { TEMPLATES } from '../support/templates.js';

/** The mails as a mail program shows them, beside the pictures that a person has looked at and found good. */
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const PURPOSES = ['password-reset', 'email-verification', 'magic-link', 'password-changed', 'new-sign-in'];
const LOCALES = ['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar'];
const LOOKS = [
  ['light', 'en', 'light', 600],
  ['dark-phone', 'en', 'dark', 360],
  ['right-to-left', 'ar', 'light', 600],
] as const;

const { letters, purposes } = readTemplates(TEMPLATES);
const apps = [{ id: 'fernweh', name: 'Fernweh' } as App, { id: 'maroon', name: 'Fernweh', colour: '#8f1d5c' } as App];
/** With every part that a mail may have. */
const whole = new Map(
  [...purposes].map(([name, purpose]) => [
    name,
    purpose.kind === 'link'
      ? { ...purpose, oneTimeCode: 'mail' as const, expiresIn: { ...purpose.expiresIn, default: 1_800 } }
      : purpose,
  ]),
);
const mails = new Map(mailSamples(letters!, whole, apps).map(({ path, html }) => [path, html]));

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchBrowser();
  page = await browser.newPage();
}, 60_000);
afterAll(() => browser?.close());

/** Shows a mail. @returns its markup */
async function open(path: string, colorScheme: 'light' | 'dark', width: number): Promise<string> {
  await page.setViewportSize({ width, height: 400 });
  await page.emulateMedia({ colorScheme });
  const html = mails.get(path)!;
  await page.setContent(html);
  return html;
}
const picture = (): Promise<Buffer> => page.screenshot({ fullPage: true });
const isWide = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth > window.innerWidth');

describe.each([
  ...PURPOSES.flatMap((purpose) => LOOKS.map(([look, ...how]) => [purpose, look, 'fernweh', ...how] as const)),
  ['email-verification', 'japanese', 'fernweh', 'ja', 'light', 600],
  ['password-reset', 'coloured-phone', 'maroon', 'de', 'light', 360],
] as const)('%s, %s', (purpose, look, app, locale, scheme, width) => {
  test('looks as it did', async () => {
    const name = `${purpose}-${look}.png`;
    const golden = join(GOLDEN, name);
    await open(`${app}/${purpose}/${locale}`, scheme, width);
    const now = await picture();
    if (process.env['GOLDEN'] === 'update') {
      mkdirSync(GOLDEN, { recursive: true });
      return writeFileSync(golden, now);
    }
    const faults = existsSync(golden) ? await differences(page, readFileSync(golden), now) : ['has no golden picture'];
    if (faults.length === 0) return;
    const kept = join(tmpdir(), `oncelink-${name}`);
    writeFileSync(kept, now);
    throw new Error(`${faults.join('; ')}. Look at ${kept}; if it is good: GOLDEN=update.`);
  }, 60_000);
});

test.each([
  ['without its button', /<table [^>]*class="cta"[^]*?<\/table>/, ''],
  ['on another ground', /background-color:#f3f4f8/g, 'background-color:#ffffff'],
  ['without its card', /background-color:#ffffff; border/, 'background-color:#f3f4f8; border'],
  ['with a button in another colour', /background-color:#2f4fd0/g, 'background-color:#0b5d5b'],
] as const)(
  'a mail %s is noticed',
  async (_, part, replacement) => {
    const html = await open('fernweh/magic-link/en', 'light', 600);
    const whole = await picture();
    expect(await differences(page, whole, whole)).toEqual([]);
    await page.setContent(html.replace(part, replacement));
    expect(await differences(page, whole, await picture())).not.toEqual([]);
  },
  60_000,
);

test.each(PURPOSES)(
  '%s is accessible in every language',
  async (purpose) => {
    const found: string[] = [];
    const look = async (locale: string, scheme: 'light' | 'dark', width: number): Promise<void> => {
      await open(`fernweh/${purpose}/${locale}`, scheme, width);
      const faults = [...(await axe(page)), ...((await isWide()) ? ['needs scrolling sideways'] : [])];
      found.push(...faults.map((fault) => `${locale}, ${scheme}, ${width}: ${fault}`));
    };
    for (const locale of LOCALES) await look(locale, 'light', 600);
    for (const locale of ['en', 'ar']) await look(locale, 'dark', 360);
    expect(found).toEqual([]);
  },
  90_000,
);
