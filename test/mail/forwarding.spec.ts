import { readTemplates } from '../../src/templates.js';
import { TEMPLATES } from '../support/templates.js';

const { letters, purposes } = readTemplates(TEMPLATES);

/** How each language asks not to pass the mail on. */
const KEEP_IT: Readonly<Record<string, RegExp>> = {
  en: /Please do not forward it\b/,
  de: /Bitte leiten Sie sie nicht weiter\b/,
  fr: /Merci de ne pas le transférer\b/,
  es: /No lo reenvíes, por favor\b/,
  it: /Non inoltrarla a nessuno\b/,
  'pt-BR': /Por favor, não o encaminhe\b/,
  ja: /このメールを転送しないでください。/,
  ar: /يُرجى عدم إعادة توجيهها إلى أحد/,
};
/** Whoever has one of these is let in; confirming somebody else's address gives nobody anything. */
const LETS_IN = ['magic-link', 'password-reset'];
const LOCALES = Object.keys(KEEP_IT);

const mailOf = (purpose: string, locale: string, complete: boolean): { text: string; html: string } => {
  const { text, html } = letters!.write(letters!.sample(purpose, locale, { name: 'Shop' }, complete));
  return { text, html: html.replace(/<!--[^]*?-->|<style>[^]*?<\/style>|<[^>]*>/g, ' ') };
};

test('every mail that lets somebody in asks not to be passed on: in each language, in both parts', () => {
  for (const purpose of LETS_IN) {
    expect([purpose, [...letters!.locales(purpose)].sort()]).toEqual([purpose, [...LOCALES].sort()]);
    for (const locale of LOCALES) {
      for (const complete of [true, false]) {
        for (const [part, words] of Object.entries(mailOf(purpose, locale, complete)))
          expect([purpose, locale, part, words.match(new RegExp(KEEP_IT[locale]!, 'gu'))?.length]).toEqual([
            purpose,
            locale,
            part,
            1,
          ]);
      }
    }
  }
});

test('no purpose with a link is forgotten here: it lets somebody in, or is one whose link gives nobody anything', () => {
  const linked = [...purposes.values()].filter(({ kind }) => kind === 'link').map(({ name }) => name);
  expect(linked.sort()).toEqual([...LETS_IN, 'email-verification'].sort());
});
