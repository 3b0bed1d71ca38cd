import { basename } from 'node:path';
import { TemplateFault } from './template-fault.js';

type Available = ReadonlyMap<string, unknown>;

/**
 * @param path a folder or file of words, which is named by its language
 * @returns the language, by the one name under which it is looked for. @throws TemplateFault
 */
export function localeAt(path: string): string {
  const name = basename(path, '.yaml');
  const canonical = canonicalTag(name) ?? canonicalTag(name.replaceAll('_', '-'));
  if (canonical === name) return name;
  const remedy = canonical === undefined ? 'take one such as de or pt-BR' : `rename it to ${canonical}`;
  throw new TemplateFault(path, 1, `is not named by a BCP 47 language tag in its canonical form; ${remedy}`);
}

/** No language has more than three letters, although the grammar leaves room for them (RFC 5646 section 2.2.1). */
function canonicalTag(text: string): string | undefined {
  try {
    return /^[a-z]{2,3}(?:-|$)/i.test(text) ? Intl.getCanonicalLocales(text)[0] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `de-AT` → `de-AT`, `de`, `en` (RFC 4647 section 3.4, look-up), English last. Before English comes any other variety of
 * the language: whoever reads European Portuguese would rather have Brazilian.
 * @returns the best of what is available; undefined only if there is no English
 */
export function bestLocale(tag: string, available: Available): string | undefined {
  return localeOf(tag, available) ?? (available.has('en') ? 'en' : undefined);
}

/** @returns the best of what a browser asks for (RFC 9110 section 12.5.4), English if it asks for nothing we have */
export function acceptedLocale(header: string | undefined, available: Available): string {
  const wanted = [...(header ?? '').matchAll(/([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([\d.]+))?/g)]
    .map(([, tag, quality = '1']) => ({ tag: tag!, quality: Number(quality) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { tag } of wanted) {
    const locale = localeOf(tag, available);
    if (locale !== undefined) return locale;
  }
  return 'en';
}

/** Tags are the same in whatever case (RFC 4647 section 2). */
function localeOf(tag: string, available: Available): string | undefined {
  const locales = [...available.keys()];
  for (let subtags = tag.split('-'); subtags.length > 0; subtags = subtags.slice(0, -1)) {
    const wanted = subtags.join('-').toLowerCase();
    const locale = locales.find((one) => one.toLowerCase() === wanted);
    if (locale !== undefined) return locale;
  }
  return locales.find((locale) => languageOf(locale) === languageOf(tag));
}

/** Numbers and times are written as the reader's own locale does, if the words are in that language at all. */
export function formatLocale(wanted: string, words: string): string {
  return languageOf(wanted) === languageOf(words) ? wanted : words;
}

function languageOf(locale: string): string {
  return locale.split('-')[0]!.toLowerCase();
}

const RIGHT_TO_LEFT = new Set(['ar', 'he', 'fa', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv']);

export function directionOf(locale: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.has(languageOf(locale)) ? 'rtl' : 'ltr';
}

const RTL_LETTER = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const LTR_LETTER = /(?!\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko})\p{L}/u;

/**
 * A name or time that is written the other way round is isolated (Unicode Annex 9, FSI … PDI), so that it and the
 * punctuation around it stay in order. Characters, because a subject line and a text part know no markup.
 */
export function isolated(text: string, locale: string): string {
  const foreign = directionOf(locale) === 'rtl' ? LTR_LETTER : RTL_LETTER;
  return foreign.test(text) ? `\u2068${text}\u2069` : text;
}

const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** @returns a duration as a person says it, in its largest whole unit: 1800 → "30 minutes" */
export function durationText(seconds: number, locale: string): string {
  const [unit, size] =
    seconds === 86_400
      ? (['hour', 3_600] as const)
      : STEPS.find(([, size]) => seconds % size === 0 && seconds >= size)!;
  const format = formatter(
    durations,
    `${locale} ${unit}`,
    () => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }),
  );
  return format.format(seconds / size);
}

/** In UTC. */
export function isSameDay(moment: number, now: number): boolean {
  return Math.floor(moment / 86_400_000) === Math.floor(now / 86_400_000);
}

/** @returns a moment as a person reads it: the time, with the date unless it is today's, in UTC */
export function momentText(moment: number, now: number, locale: string): string {
  const today = isSameDay(moment, now);
  const make = (): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, {
      ...(today ? {} : { day: 'numeric', month: 'long', year: 'numeric' }),
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone: 'UTC',
      timeZoneName: 'short',
    });
  return formatter(moments, `${locale} ${today ? 'time' : 'date'}`, make).format(moment);
}

const durations = new Map<string, Intl.NumberFormat>();
const moments = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter costs a thousand times what using it does. */
function formatter<Formatter>(made: Map<string, Formatter>, key: string, make: () => Formatter): Formatter {
  const known = made.get(key) ?? make();
  if (made.size >= 500) made.clear(); // any caller may name a locale
  made.set(key, known);
  return known;
}
