/** `FAULTS=full` runs the long form; without it, the short one that fits into every test run. */
export const FULL = process.env['FAULTS'] === 'full';

export function sized<Value>(short: Value, full: Value): Value {
  return FULL ? full : short;
}

/** Tells a figure to whoever runs the tests; figures are for people, behaviour is asserted. */
export function tell(text: string): void {
  process.stdout.write(`    ${text}\n`);
}
