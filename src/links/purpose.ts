import { z } from 'zod';
import { parseDuration } from '../clock.js';
import { MAIL_VARIABLES } from '../mail/letters.js';
import { Faults } from '../mail/template-fault.js';
import { readYamlFile } from '../mail/yaml-file.js';
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
  /**
   * A short code as the link's second form, for another device: `mail` shows it in the mail, to be typed where the link
   * was asked for; `screen` gives it to the app, to be shown there and typed on the link's page
   */
  readonly oneTimeCode: 'none' | 'mail' | 'screen';
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
/** No link lives longer, in seconds. */
export const LONGEST_LIFE = parseDuration(CEILING)!;

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_WINDOW = 30 * 86_400;

/** Names a mail template always has; a purpose cannot declare them anew. */
const BUILT_IN_VARIABLES = new Set([...MAIL_VARIABLES, 'subject'].map((name) => name.split('.')[0]!));

const duration = z.union([z.string(), z.number()]).transform((text, issues) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  issues.addIssue({ code: 'custom', message: 'expected a duration such as 30s, 10m, 24h, 7d or seconds' });
  return z.NEVER;
});

const policySchema = z.strictObject({
  expiresIn: z.union([
    duration,
    z.strictObject({ default: duration, min: duration.optional(), max: duration.optional() }),
  ]),
  deliverWithin: duration.optional(),
  reissue: z.enum(['supersede', 'keep']).default('supersede'),
  redeemOn: z.enum(['app', 'page']).default('app'),
  landing: z.enum(['hosted', 'app']).default('hosted'),
  codeLifetime: duration.default(300),
  binding: z.enum(['none', 'optional', 'required']).default('optional'),
  oneTimeCode: z.enum(['none', 'mail', 'screen']).default('none'),
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

/**
 * Reads one `purpose.yaml`.
 * @param name the folder's name, which is the purpose's
 * @throws TemplatesError with every fault of the file, each with its line
 */
export function readPurpose(name: string, file: string): Purpose {
  const { value: policy, fault } = readYamlFile(file, policySchema);
  const faults = new Faults();
  const unless = (holds: boolean, path: readonly PropertyKey[], message: string): void => {
    if (!holds) faults.list.push(fault(path, message));
  };
  const ceilingText = CEILINGS[name] ?? CEILING;
  const ceiling = parseDuration(ceilingText)!;
  const given = typeof policy.expiresIn === 'number' ? { default: policy.expiresIn } : policy.expiresIn;
  const expiresIn = { min: given.min ?? 1, default: given.default, max: given.max ?? ceiling };
  const windows = Object.entries(policy.limits.perRecipient).map(([text, count]) => ({
    text,
    window: parseDuration(text) ?? 0,
    count,
  }));

  unless(
    NAME.test(name) && name.length <= 40,
    [],
    'the folder must be named in lower-case letters, digits and single dashes, at most 40',
  );
  unless(expiresIn.max <= ceiling, ['expiresIn', 'max'], `must not be above ${ceilingText} for this purpose`);
  unless(
    expiresIn.default >= expiresIn.min && expiresIn.default <= expiresIn.max,
    ['expiresIn'],
    'the default must lie between min and max',
  );
  unless(policy.codeLifetime <= MAX_CODE_LIFETIME, ['codeLifetime'], 'must not be above 10m');
  if (policy.redeemOn === 'page') {
    unless(
      policy.landing === 'hosted',
      ['landing'],
      'cannot be app with redeemOn: page: there would be no page to redeem on',
    );
  }
  if (policy.oneTimeCode === 'screen') {
    unless(
      policy.binding === 'required' && policy.landing === 'hosted',
      ['oneTimeCode'],
      'can be screen only with binding: required and landing: hosted; it is typed on the page in place of that proof',
    );
  }
  for (const { text, window } of windows) {
    unless(
      window > 0 && window <= MAX_WINDOW,
      ['limits', 'perRecipient', text],
      'expected a window such as 1h or 1d, at most 30d',
    );
  }
  for (const variable of Object.keys(policy.templateData)) {
    unless(
      !BUILT_IN_VARIABLES.has(variable),
      ['templateData', variable],
      'is a name every mail already has; choose another',
    );
  }
  faults.throwIfAny();
  return {
    ...policy,
    name,
    expiresIn,
    deliverWithin: policy.deliverWithin ?? expiresIn.default,
    limits: { cooldown: policy.limits.cooldown, perRecipient: windows.map(({ window, count }) => ({ window, count })) },
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
    if (purpose.templateData[name]!.required && (given[name] ?? null) === null)
      faults.set(name, 'is required by this purpose');
  }
  return faults;
}
