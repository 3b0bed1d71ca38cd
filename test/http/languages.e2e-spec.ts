import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { urlIn } from '../support/relay.js';
import { HandSetClock, eventually, startService, type TestService } from '../support/service.js';
import { TEMPLATES } from '../support/templates.js';
import { SAME_ORIGIN, Visitor, codeIn } from '../support/visitor.js';

/** The languages of the README. */
const LOCALES = ['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar'];
const PURPOSES = ['password-reset', 'email-verification', 'magic-link'];
/** How each language says thirty minutes. */
const HALF_AN_HOUR: Record<string, string> = {
  en: 'in 30 minutes, at 14:05 UTC',
  de: '30 Minuten, bis 14:05 UTC',
  fr: '30 minutes, jusqu’à 14:05 UTC',
  es: 'en 30 minutos (14:05 UTC)',
  it: 'tra 30 minuti (14:05 UTC)',
  'pt-BR': 'em 30 minutos (14:05 UTC)',
  ja: '30 分です（14:05 UTC まで）',
  ar: '30 دقيقة، حتى الساعة \u206814:05 UTC\u2069',
};

let service: TestService;
const clock = new HandSetClock(Date.UTC(2026, 10, 23, 13, 35));
beforeAll(async () => {
  service = await startService({ clock, env: { MAIL_FROM: 'Fernweh <no-reply@fernweh.example>' } });
});
afterAll(() => service.stop());

async function mailOf(purpose: string, locale: string, more: object = {}) {
  const recipient = `${purpose}.${locale}@example.com`;
  const { body } = await service.mint({ purpose, locale, recipient, templateData: { name: 'Ann' }, ...more });
  const stored = await eventually(() => service.inbox.list().find(({ to }) => to === recipient));
  return { id: body.id as string, mail: await PostalMime.parse(stored.raw) };
}

test.each(PURPOSES)('%s has words in every language, and in no other', (purpose) => {
  const folders = readdirSync(join(TEMPLATES, 'purposes', purpose)).filter((name) => !name.endsWith('.yaml'));
  expect(folders.sort()).toEqual([...LOCALES].sort());
});

describe.each(LOCALES)('in %s', (locale) => {
  test.each(PURPOSES)('the text part of %s is a letter whose link works', async (purpose) => {
    const { id, mail } = await mailOf(purpose, locale, { expiresIn: 1_800 });
    expect(mail.subject).toContain('Fernweh');
    expect(mail.text).toContain('Ann');
    expect(mail.text).toContain('Fernweh');
    expect(mail.text).toContain(HALF_AN_HOUR[locale]);
    expect(mail.subject! + mail.text!).not.toMatch(/[{}]|undefined|null/);
    expect(mail.html).toMatch(new RegExp(`<html lang="${locale}" dir="${locale === 'ar' ? 'rtl' : 'ltr'}"`));

    const visitor = new Visitor(service);
    await visitor.open(urlIn(mail.text));
    const page = await visitor.get(`/links/${id}`);
    expect(page.text).toMatch(new RegExp(`<html lang="${locale}" dir="${locale === 'ar' ? 'rtl' : 'ltr'}"`));
    const pressed = await visitor.press(id, SAME_ORIGIN);
    if (purpose !== 'email-verification') {
      const code = codeIn(pressed);
      expect((await service.api('POST', '/v1/links/redeem', { code, purpose })).status).toBe(200);
    }
    expect((await service.api('GET', `/v1/links/${id}`)).body.status).toBe('redeemed');
  });
});

test('a link that lives past midnight says the day, as the recipient’s own country writes it', async () => {
  const day = async (locale: string) => (await mailOf('email-verification', locale)).mail.text;
  expect(await day('en-GB')).toContain('in 24 hours, on 24 November 2026 at 13:35 UTC');
  expect(await day('de-AT')).toContain('24 Stunden, bis zum 24. November 2026 um 13:35 UTC');
  expect(await day('ar-EG')).toContain('٢٤ نوفمبر ٢٠٢٦');
});

test('a page that knows no link speaks the best language the browser accepts', async () => {
  const page = await service.request('GET', '/l/none', { headers: { 'accept-language': 'sv, ar-EG;q=0.8, de;q=0.3' } });
  expect(page.text).toContain('<html lang="ar" dir="rtl">');
});

test('such a page is kept for the next one who reads its language, and for nobody else', async () => {
  const page = async (path: string, language: string) =>
    (await service.request('GET', path, { headers: { 'accept-language': language } })).text;
  const german = await page('/l/none', 'de');
  const english = await page('/l/none', 'en');
  expect([await page('/l/other', 'de-AT'), await page('/l/none', 'en')]).toEqual([german, english]);
  expect(german).toContain('<html lang="de"');
  expect(english).toContain('<html lang="en"');
  expect(await page('/links/none', 'de')).not.toBe(german);
});
