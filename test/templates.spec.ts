import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { galleryOf } from '../src/preview/gallery.js';
import { readTemplates } from '../src/templates.js';
import { TEMPLATES, TemplatesCopy } from './support/templates.js';

const HTML = 'purposes/password-reset/en/mail.html.hbs';
const TEXT = 'purposes/password-reset/en/mail.text.hbs';
const NOTICE = 'purposes/password-changed/en/mail.text.hbs';

let templates: TemplatesCopy;
beforeEach(() => {
  templates = new TemplatesCopy();
});
afterEach(() => templates.discard());

const faults = (): string[] => readTemplates(templates.directory).faults.map(({ message }) => message);
const gaps = (): string[] => readTemplates(templates.directory).gaps.map(({ message }) => message);

test('our own templates have no fault', () => {
  expect(faults()).toEqual([]);
});

/** Punctuation as another language has it. */
const FOREIGN: readonly (readonly [locale: string, RegExp])[] = [
  ['fr', /[\p{L}\d][;?!]|[\p{L}\d]:\s| [;?!:](?=\s|$)|\p{L}'\p{L}/u],
  ['it', /\p{L}'\p{L}/u],
  ['es', /(?:^|[.:!?])[^.:!?¿]*\?|(?:^|[.:!?])[^.:!?¡]*!/u],
  ['ja', /[\p{sc=Hira}\p{sc=Kana}\p{sc=Han}] ?[,.!?:;()]/u],
  ['ar', /\p{sc=Arab} ?[,;?]/u],
];

test.each(FOREIGN)('every mail and page in %s has the punctuation of its language', async (locale, foreign) => {
  const app = { id: 'shop', name: 'Shop', redirectUris: ['https://shop.example/'] };
  // With every part that a mail, and with every page that a link can have.
  const set = (purpose: string, from: string, to: string) =>
    templates.edit(`purposes/${purpose}/purpose.yaml`, from, to);
  set('magic-link', 'oneTimeCode: none', 'oneTimeCode: mail');
  set('email-verification', 'oneTimeCode: none', 'oneTimeCode: screen');
  for (const purpose of ['email-verification', 'password-reset'])
    set(purpose, 'binding: optional', 'binding: required');
  for (const purpose of ['magic-link', 'password-reset']) set(purpose, 'redeemOn: app', 'redeemOn: page');
  const read = readTemplates(templates.directory, { find: async () => app });
  const gallery = galleryOf(read, [app], { head: '', ways: [] });
  const inLocale = gallery.filter(
    ({ path, kind }) => kind !== 'frame' && path.match(/[a-z]+(?:-[A-Z]+)?(?=[./])/g)?.includes(locale),
  );
  expect(inLocale.length).toBeGreaterThan(55);
  for (const { path, read } of inLocale) {
    const words = (await read())
      .replace(/^Subject: |<!--[^]*?-->|<style>[^]*?<\/style>|<[^>]*>|https?:\S*/g, ' ')
      .replaceAll('&#x27;', "'");
    expect([path, foreign.exec(words.replace(/&#?\w+;/g, ''))?.[0]]).toEqual([path, undefined]);
  }
});

test('a line never breaks within the German “E‑Mail”; only a subject has the plain hyphen, for old mail programs', () => {
  const { directory } = templates;
  const german = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?:^|[\\/])de(?:[\\/].+\.(?:hbs|yaml)|\.yaml)$/.test(file),
  );
  expect(german.length).toBeGreaterThan(10);
  for (const file of german) {
    const words = readFileSync(join(directory, file), 'utf8').replace(/^Subject: .*/, '');
    expect([file, words.match(/E-Mail\w*/g)]).toEqual([file, null]);
  }
});

test.each(['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar'])(
  'in %s, a colon leads to the bare address of “this wasn’t me”',
  (locale) => {
    const { letters } = readTemplates(TEMPLATES);
    const { text } = letters!.write(letters!.sample('magic-link', locale, { name: 'Shop' }, true));
    expect(text).toMatch(/[:：]\nhttps:\S+\/r\//);
  },
);

test.each([
  ['a text part without the link', TEXT, '{{url}}', 'See the other part.', /does not contain the link/],
  ['a text part with the link twice', TEXT, '{{url}}', '{{url}} or {{url}}', /more than once/],
  ['a text part that does not say how long', TEXT, '{{words.expiry}}', 'Hurry.', /how long the link works/],
  ['an HTML part that says how long only where nobody sees it', HTML, '{{> expiry}}', '', /how long the link works/],
  ['an HTML part above 102 kB', HTML, '{{> expiry}}', `{{> expiry}}<p>${'long '.repeat(21_000)}</p>`, /102 kB/],
  [
    'text that is hard to read',
    HTML,
    '{{> expiry}}',
    '{{> expiry}}<p style="color:#9aa0ab">pale</p>',
    /"pale" is #9aa0ab on #ffffff, 2\.\d : 1/,
  ],
  [
    'a link whose text names another host',
    HTML,
    '{{> expiry}}',
    '{{> expiry}}<a href="{{url}}">www.bank.example</a>',
    /names another host/,
  ],
  [
    'a way to somewhere else',
    HTML,
    '{{> expiry}}',
    '{{> expiry}}<a href="https://x.example/">x</a>',
    /leads elsewhere/,
  ],
  [
    'a picture from elsewhere',
    HTML,
    '{{> expiry}}',
    '{{> expiry}}<img src="//x.example/p.gif" alt="">',
    /leads elsewhere/,
  ],
  ['an address in the text part', TEXT, '{{words.expiry}}', '{{words.expiry}} www.x.example', /leads elsewhere/],
  ['an address in a notice', NOTICE, '{{/mail}}', 'https://x.example/\n{{/mail}}', /leads elsewhere/],
])('%s is a fault of its file', (_what, file, part, replacement, words) => {
  templates.edit(file, part, replacement);
  const found = faults();
  expect(found).toEqual([expect.stringMatching(new RegExp(`^${templates.path(file)}:1 .*${words.source}`))]);
});

test('an HTML part without the link is a fault of every mail that uses the layouts', () => {
  templates.edit('layouts/button.html.hbs', 'href="{{url}}"', '');
  templates.edit('layouts/fallback.html.hbs', 'href="{{url}}"', '');
  expect(faults()).toContainEqual(expect.stringMatching(/magic-link\/ja\/mail\.html\.hbs:1 does not contain the link/));
});

test('faults of policies, mails, shared sentences and pages are told together', () => {
  templates.edit('purposes/magic-link/purpose.yaml', 'redeemOn: app', 'redeemOn: nobody');
  templates.edit(HTML, '{{> expiry}}', '{{> expiry}}{{nonsense}}');
  templates.edit('mails/de.yaml', '{{lifetime}}', '{{lifetme}}');
  templates.edit('pages/ja.yaml', 'not_found:', 'not_fuond:');
  const found = faults().join('\n');
  for (const place of ['magic-link/purpose.yaml:', 'en/mail.html.hbs:', 'mails/de.yaml:3 ', 'pages/ja.yaml:'])
    expect(found).toContain(place);
});

test.each([
  ['pt_BR', 'rename it to pt-BR'],
  ['DE', 'rename it to de'],
  ['iw', 'rename it to he'],
  ['english', 'take one such as de or pt-BR'],
  ['en_english_', 'take one such as de or pt-BR'],
])('words in %s are a fault that says how to name them', (name, remedy) => {
  const fault = (path: string) =>
    `${templates.path(path)}:1 is not named by a BCP 47 language tag in its canonical form; ${remedy}`;
  templates.copy('purposes/magic-link/fr', `purposes/magic-link/${name}`);
  templates.copy('pages/fr.yaml', `pages/${name}.yaml`);
  templates.copy('mails/fr.yaml', `mails/${name}.yaml`);
  expect(faults().sort()).toEqual(
    [fault(`purposes/magic-link/${name}`), fault(`pages/${name}.yaml`), fault(`mails/${name}.yaml`)].sort(),
  );
});

test.each([
  ['{{> expirey}}', /uses an unknown partial, expirey; known are .*expiry/],
  ['{{#> cart}}x{{/cart}}', /uses an unknown partial, cart;/],
  ['{{> (lookup)}}', /uses an unknown partial, a computed one;/],
  ['{{#each name}}x{{/if}}', /is not a valid template: {{\/if}} closes what was opened as each/],
  ['{{name}', /is not a valid template: the braces cannot be read after ".*{{name"/],
])('%s is told at its line, with the reason', (part, words) => {
  const line = templates.edit(HTML, '{{> expiry}}', `{{> expiry}}${part}`);
  const found = faults();
  expect(found).toEqual([expect.stringMatching(new RegExp(`^${templates.path(HTML)}:${line} ${words.source}`))]);
});

test('a block that is never closed is told as such, and so is a missing word of a page', () => {
  templates.edit(HTML, '{{/mail}}', '');
  templates.edit('purposes/magic-link/en/page.yaml', '  button: Sign in\n', '');
  const found = faults();
  expect(found).toHaveLength(2);
  expect(found[0]).toMatch(/mail\.html\.hbs:\d+ is not a valid template: a block is not closed$/);
  expect(found[1]).toMatch(/page\.yaml:\d+ confirm\.button: is missing: expected a text$/);
});

test('a language that only a part of the folder speaks is a gap, not a fault', () => {
  templates.remove('purposes/magic-link/fr');
  templates.remove('pages/it.yaml');
  templates.copy('purposes/magic-link/de', 'purposes/magic-link/sv');
  expect(faults()).toEqual([]);
  const found = gaps().join('\n');
  for (const place of ['magic-link/fr:1 is missing', 'pages/it.yaml:1 ', 'pages/sv.yaml:1 ', 'password-reset/sv:1 '])
    expect(found).toContain(place);
});
