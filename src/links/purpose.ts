import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parseDuration } from '../clock.js';
import type { Scalars } from './link.js';

/** A purpose's policy: what a link may be used for, and how. All durations in seconds. */
export interface Purpose {
  readonly name: string;
  readonly expiresIn: { readonly default: number; readonly min: number; readonly max: number };
  /** a mail not handed over by then is abandoned */
  readonly deliverWithin: number;
  /** whether a new link puts the older ones of the same subject out of use */
  readonly reissue: 'supersede' | 'keep';
  /** who uses the link up: the app's backend, or the confirm page */
  readonly redeemOn: 'app' | 'page';
  /** whose page the mail leads to */
  readonly landing: 'hosted' | 'app';
  /** life of the hand-over code */
  readonly codeLifetime: number;
  /** whether the redeeming browser must be the requesting one */
  readonly binding: 'none' | 'optional' | 'required';
  readonly limits: Limits;
  readonly templateData: Readonly<Record<string, Variable>>;
}

export interface Limits {
  /** pause between two mails of this purpose to one recipient */
  readonly cooldown: number;
  /** at most `count` mints to one recipient, over all purposes of the app, in any `window` */
  readonly perRecipient: readonly { readonly window: number; readonly count: number }[];
}

export interface Variable {
  readonly type: 'string' | 'number' | 'boolean';
  readonly required: boolean;
}

const MAX_CODE_LIFETIME = 600;
/** NIST SP 800-63B-4 section 4.2.1.2 caps mailed recovery at 24 h; an address confirmation may take a week. */
const CEILINGS: Record<string, string> = { 'magic-link': '24h', 'password-reset': '24h' };
const CEILING = '7d';

/** Names a mail template always has; a purpose cannot declare them anew. */
export const BUILT_IN_VARIABLES = ['url', 'app', 'purpose', 'lifetime', 'expiresAt', 'locale', 'dir', 'subject'] as const;

const duration = z
  .union([z.string(), z.number()])
  .transform((text, issues) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined && seconds > 0) return seconds;
    issues.addIssue({ code: 'custom', message: 'expected a duration such as 30s, 10m, 24h, 7d or seconds' });
    return z.NEVER;
  });

const policySchema = z.strictObject({
  expiresIn: z.union([duration, z.strictObject({ default: duration, min: duration.optional(), max: duration.optional() })]),
  deliverWithin: duration.optional(),
  reissue: z.enum(['supersede', 'keep']).default('supersede'),
  redeemOn: z.enum(['app', 'page']).default('app'),
  landing: z.enum(['hosted', 'app']).default('hosted'),
  codeLifetime: duration.default(300),
  binding: z.enum(['none', 'optional', 'required']).default('optional'),
  limits: z
    .strictObject({
      cooldown: z.union([z.literal(0), duration]).default(30),
      perRecipient: z.record(z.string(), z.int().min(1).max(10_000)).default({ '1h': 10, '1d': 30 }),
    })
    .prefault({}),
  templateData: z
    .record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'expected a name of letters, digits and underscores'),
      z.strictObject({
        type: z.enum(['string', 'number', 'boolean']),
        required: z.boolean().default(false),
      }),
    )
    .default({}),
});

/** A fault in a purpose's folder, with the place to mend. */
export interface PurposeFault {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/**
 * Reads one `purpose.yaml`. Every fault of the file is reported, each with its line.
 * @param name the folder's name, which is the purpose's
 */
export function readPurpose(name: string, file: string): Purpose | PurposeFault[] {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return document.errors.map((error) => ({ file, line: error.linePos?.[0].line ?? 1, message: error.message.split('\n')[0]! }));
  }
  /** The line of the deepest node on the path: a missing member is reported where it should stand. */
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const fault = (path: readonly PropertyKey[], message: string): PurposeFault => ({
    file,
    line: lineOf(path),
    message: [path.join('.'), message].filter(Boolean).join(': '),
  });

  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) || name.length > 40) {
    return [fault([], 'the folder must be named in lower-case letters, digits and single dashes, at most 40')];
  }
  const parsed = policySchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => fault(issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path, issue.message));
  }
  return check(name, parsed.data, fault);
}

function check(
  name: string,
  policy: z.infer<typeof policySchema>,
  fault: (path: PropertyKey[], message: string) => PurposeFault,
): Purpose | PurposeFault[] {
  const faults: PurposeFault[] = [];
  const ceilingText = CEILINGS[name] ?? CEILING;
  const ceiling = parseDuration(ceilingText)!;
  const given = typeof policy.expiresIn === 'number' ? { default: policy.expiresIn } : policy.expiresIn;
  const expiresIn = { min: 1, max: ceiling, ...given };
  if (expiresIn.max > ceiling) faults.push(fault(['expiresIn', 'max'], `must not be above ${ceilingText} for this purpose`));
  if (expiresIn.default < expiresIn.min || expiresIn.default > expiresIn.max) {
    faults.push(fault(['expiresIn'], 'the default must lie between min and max'));
  }
  if (policy.codeLifetime > MAX_CODE_LIFETIME) faults.push(fault(['codeLifetime'], 'must not be above 10m'));
  if (policy.redeemOn === 'page' && policy.binding === 'required') {
    faults.push(fault(['binding'], 'cannot be required with redeemOn: page, which never sees the requesting browser\'s secret'));
  }
  if (policy.redeemOn === 'page' && policy.landing === 'app') {
    faults.push(fault(['landing'], 'cannot be app with redeemOn: page: there would be no page to redeem on'));
  }
  const windows = Object.entries(policy.limits.perRecipient).map(([text, count]) => ({ window: parseDuration(text), text, count }));
  for (const { window, text } of windows) {
    if (!window || window > 86_400 * 30) {
      faults.push(fault(['limits', 'perRecipient', text], 'expected a window such as 1h or 1d, at most 30d'));
    }
  }
  for (const variable of Object.keys(policy.templateData)) {
    if ((BUILT_IN_VARIABLES as readonly string[]).includes(variable)) {
      faults.push(fault(['templateData', variable], 'is a name every mail already has; choose another'));
    }
  }
  if (faults.length > 0) return faults;
  return {
    ...policy,
    name,
    expiresIn,
    deliverWithin: policy.deliverWithin ?? expiresIn.default,
    limits: { cooldown: policy.limits.cooldown, perRecipient: windows.map(({ window, count }) => ({ window: window!, count })) },
  };
}

/**
 * Checks a caller's mail variables against what the purpose declares.
 * @returns the faults, by variable name; an unknown name is reported under ''
 */
export function templateDataFaults(purpose: Purpose, given: Scalars): Map<string, string> {
  const faults = new Map<string, string>();
  const names = Object.keys(purpose.templateData);
  for (const [name, value] of Object.entries(given)) {
    const variable = Object.hasOwn(purpose.templateData, name) ? purpose.templateData[name] : undefined;
    if (!variable) faults.set('', `takes only the variables this purpose declares: ${names.join(', ') || 'none'}`);
    else if (value !== null && typeof value !== variable.type) faults.set(name, `must be a ${variable.type}`);
  }
  for (const name of names) {
    if (purpose.templateData[name]!.required && (given[name] ?? null) === null) faults.set(name, 'is required by this purpose');
  }
  return faults;
}
