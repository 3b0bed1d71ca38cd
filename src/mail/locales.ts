/** `de-AT` → `de-AT`, `de`, `en` (RFC 4647 section 3.4, look-up), English last. */
export function fallbackChain(tag: string): string[] {
  const chain: string[] = [];
  for (let subtags = tag.split('-'); subtags.length > 0; subtags = subtags.slice(0, -1)) chain.push(subtags.join('-'));
  return [...new Set([...chain, 'en'])];
}

/** @returns the best of what is available, or undefined */
export function bestLocale(tag: string, available: { has(locale: string): boolean }): string | undefined {
  return fallbackChain(tag).find((locale) => available.has(locale));
}

const RIGHT_TO_LEFT = new Set(['ar', 'he', 'fa', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv']);

export function directionOf(locale: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.has(locale.split('-')[0]!) ? 'rtl' : 'ltr';
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
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size);
}

/** @returns a moment as a person reads it: the time, with the date unless it is today's, in UTC */
export function momentText(moment: number, now: number, locale: string): string {
  const sameDay = new Date(moment).toISOString().slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return new Intl.DateTimeFormat(locale, {
    ...(sameDay ? {} : { day: 'numeric', month: 'long', year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
    timeZoneName: 'short',
  }).format(moment);
}
