/** What one check found. `FAIL` is what would stop the service or lose something; `warn` is worth a look. */
export interface Finding {
  readonly result: 'ok' | 'warn' | 'FAIL';
  readonly check: string;
  /** what was found and, if it is not well, what to do */
  readonly detail: string;
}

/** Findings as they are made, so that slow checks do not hold up the others' lines. */
export type Findings = AsyncIterable<Finding> | Iterable<Finding>;

export const ok = (check: string, detail: string): Finding => ({ result: 'ok', check, detail });
export const warn = (check: string, detail: string): Finding => ({ result: 'warn', check, detail });
export const fail = (check: string, detail: string): Finding => ({ result: 'FAIL', check, detail });
