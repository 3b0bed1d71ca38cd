/** Milliseconds since the Unix epoch. Passed in everywhere, so that tests set the time by hand. */
export type Clock = () => number;

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `30s`, `10m`, `24h`, `7d` or a whole number of seconds → seconds; `undefined` for anything else. */
export function parseDuration(text: string | number): number | undefined {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(String(text)) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit]!;
}
