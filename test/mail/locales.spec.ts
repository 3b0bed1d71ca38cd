import {
  acceptedLocale,
  bestLocale,
  durationText,
  formatLocale,
  isolated,
  momentText,
} from '../../src/mail/locales.js';

const available = new Map(['en', 'de', 'pt-BR', 'ar'].map((locale) => [locale, true]));
const NOON = Date.UTC(2026, 10, 23, 12, 0);

test.each([
  ['de-AT', 'de'],
  ['de-Latn-AT-1996', 'de'],
  ['pt-BR', 'pt-BR'],
  ['pt', 'pt-BR'],
  ['pt-PT', 'pt-BR'],
  ['den', 'en'],
  ['DE', 'de'],
  ['PT-br', 'pt-BR'],
  ['AR-eg', 'ar'],
  ['sv', 'en'],
])('a reader of %s is given %s', (wanted, given) => {
  expect(bestLocale(wanted, available)).toBe(given);
});

test.each([
  ['sv-SE, de;q=0.7, ar;q=0.9', 'ar'],
  ['sv, de-CH;q=0.5', 'de'],
  ['de;q=0, ar;q=0.1', 'ar'],
  ['DE-at, ar;q=0.9', 'de'],
  ['PT-br', 'pt-BR'],
  ['*', 'en'],
  ['sv', 'en'],
  [';;q=,,1', 'en'],
  ['', 'en'],
  [undefined, 'en'],
])('a browser that accepts %p is given %s', (header, given) => {
  expect(acceptedLocale(header, available)).toBe(given);
});

test('times are written as the reader’s own country does, unless the words are in another language', () => {
  const told = (wanted: string, words: string): string =>
    momentText(NOON, NOON - 86_400_000, formatLocale(wanted, words));
  expect(told('en', 'en')).toBe('November 23, 2026 at 12:00 UTC');
  expect(told('en-GB', 'en')).toBe('23 November 2026 at 12:00 UTC');
  expect(told('ar-EG', 'ar')).toContain('٢٣ نوفمبر ٢٠٢٦');
  expect(told('sv', 'en')).toBe('November 23, 2026 at 12:00 UTC');
  expect(momentText(NOON, NOON, 'de')).toBe('12:00 UTC');
});

test('what is written in the other direction is isolated, and nothing else', () => {
  expect(isolated('Fernweh', 'ar')).toBe('\u2068Fernweh\u2069');
  expect(isolated('14:05 UTC', 'ar')).toBe('\u206814:05 UTC\u2069');
  expect(isolated('30 دقيقة', 'ar')).toBe('30 دقيقة');
  expect(isolated('دار الكتب', 'en')).toBe('\u2068دار الكتب\u2069');
  expect(isolated('Fernweh', 'ja')).toBe('Fernweh');
});

test.each([
  [1, '1 second'],
  [90, '90 seconds'],
  [1_800, '30 minutes'],
  [86_400, '24 hours'],
  [3 * 86_400, '3 days'],
])('%i seconds are %s', (seconds, text) => expect(durationText(seconds, 'en')).toBe(text));

test('days and dates of one language do not get into each other’s way, whichever is told first', () => {
  const told = (locale: string): string[] => [
    durationText(3 * 86_400, locale),
    momentText(NOON, NOON - 86_400_000, locale),
    durationText(3 * 86_400, locale),
  ];
  expect(told('de')).toEqual(['3 Tage', expect.stringContaining('23. November 2026'), '3 Tage']);
  const date = momentText(NOON, NOON - 86_400_000, 'it');
  expect(told('it')).toEqual(['3 giorni', date, '3 giorni']);
  expect(date).toContain('23 novembre 2026');
});
