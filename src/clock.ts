/** Milliseconds since the Unix epoch. Passed in everywhere, so that tests set the time by hand. */
export type Clock = () => number;

/** Milliseconds since the process began: how long something takes or may take, whatever is done to the system's time. */
export const elapsed = (): number => performance.now();

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `30s`, `10m`, `24h`, `7d` or a whole number of seconds → seconds; `undefined` for anything else. */
export function parseDuration(text: string | number): number | undefined {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(String(text)) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit]!;
}

/** The service's clock in development: the system's, moved ahead by hand to see what time does to links. */
export class DevClock {
  /** ms */
  private ahead = 0;

  readonly now: Clock = () => Date.now() + this.ahead;

  /** seconds that it is ahead of the system's */
  get shift(): number {
    return this.ahead / 1000;
  }

  advance(seconds: number): void {
    this.ahead += seconds * 1000;
  }

  reset(): void {
    this.ahead = 0;
  }
}
