import type { z } from 'zod';
import { parseDuration } from '../clock.js';
import { RESERVED_VARIABLES } from '../mail/letters.js';
import { isLure } from '../mail/lure.js';
import { Faults, type TemplateFault } from '../mail/template-fault.js';
import { readYamlFile } from '../mail/yaml-file.js';
import type { Scalars } from './link.js';
import { kindSchema, linkSchema, notificationSchema, PURPOSE_NAME } from './purpose-schema.js';

/** What every purpose has: how its mail is sent. All durations in seconds. */
interface MailPolicy {
  readonly name: string;
  /** a mail not handed over by then is abandoned */
  readonly deliverWithin: number;
  readonly limits: PurposeLimits;
  readonly templateData: Readonly<Record<string, Variable>>;
}

/** A purpose's policy: what a link may be used for, and how. */
export interface Purpose extends MailPolicy {
  readonly kind: 'link';
  readonly expiresIn: { readonly default: number; readonly min: number; readonly max: number };
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
  /** whether the page of a link that has run out offers to send a new one */
  readonly renew: boolean;
  /** how long a recipient who says "this wasn't me" gets no mail of this purpose; 0: the mail does not ask */
  readonly pauseAfterReport: number;
  /**
   * A short code as the link's second form, for another device: `mail` shows it in the mail, to be typed where the link
   * was asked for; `screen` gives it to the app, to be shown there and typed on the link's page
   */
  readonly oneTimeCode: 'none' | 'mail' | 'screen';
}

/** A mail without a link: it tells what has happened. */
export interface NotificationPurpose extends MailPolicy {
  readonly kind: 'notification';
}

export type AnyPurpose = Purpose | NotificationPurpose;

/** At most `count` mints and resends in any `window`. */
export interface Quota {
  readonly window: number;
  readonly count: number;
}

/** What counts is every purpose of the app that is of the same kind; whose limits apply is this one's. */
export interface PurposeLimits {
  /** pause between two mails of this purpose to one recipient */
  readonly cooldown: number;
  readonly perRecipient: readonly Quota[];
  readonly perSubject: readonly Quota[];
  /** by the client address that the app passes */
  readonly perClient: readonly Quota[];
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

export const MAX_QUOTA_WINDOW = 30 * 86_400;
/** The client's address is personal data, which is forgotten a day after a link's end. */
const MAX_CLIENT_WINDOW = 86_400;

/** Names a mail template always has; a purpose cannot declare them anew. */
const BUILT_IN_VARIABLES = new Set(RESERVED_VARIABLES.map((name) => name.split('.')[0]!));

/** Notes a fault at a member of the file unless something holds. */
type Unless = (holds: boolean, path: readonly PropertyKey[], message: string) => void;

/**
 * Reads one `purpose.yaml`.
 * @param name the folder's name, which is the purpose's
 * @throws TemplatesError with every fault of the file, each with its line
 */
export function readPurpose(name: string, file: string): AnyPurpose {
  const faults = new Faults();
  const unlessBy =
    (fault: (path: readonly PropertyKey[], message: string) => TemplateFault): Unless =>
    (holds, path, message) => {
      if (!holds) faults.list.push(fault(path, message));
    };
  let purpose: AnyPurpose;
  if (readYamlFile(file, kindSchema).value.kind === 'link') {
    const { value: policy, fault } = readYamlFile(file, linkSchema);
    const unless = unlessBy(fault);
    const life = lifeOf(name, policy, unless);
    checkPage(policy, unless);
    const mail = mailPolicyOf(
      name,
      { ...policy, deliverWithin: policy.deliverWithin ?? life.expiresIn.default },
      unless,
    );
    purpose = { ...policy, ...life, ...mail };
  } else {
    const { value: policy, fault } = readYamlFile(file, notificationSchema);
    purpose = { kind: policy.kind, ...mailPolicyOf(name, policy, unlessBy(fault)) };
  }
  faults.throwIfAny();
  return purpose;
}

function mailPolicyOf(
  name: string,
  {
    deliverWithin,
    limits,
    templateData,
  }: Pick<z.infer<typeof notificationSchema>, 'deliverWithin' | 'limits' | 'templateData'>,
  unless: Unless,
): MailPolicy {
  const readQuotas = (by: 'perRecipient' | 'perSubject' | 'perClient', longest: number): Quota[] =>
    Object.entries(limits[by]).map(([text, count]) => {
      const window = parseDuration(text) ?? 0;
      unless(
        window > 0 && window <= longest,
        ['limits', by, text],
        `expected a window such as 1h or 1d, at most ${longest / 86_400}d`,
      );
      return { window, count };
    });
  unless(
    PURPOSE_NAME.test(name) && name.length <= 40,
    [],
    'the folder must be named in lower-case letters, digits and single dashes, at most 40',
  );
  for (const variable of Object.keys(templateData)) {
    unless(
      !BUILT_IN_VARIABLES.has(variable),
      ['templateData', variable],
      'is a name every mail already has; choose another',
    );
  }
  const quotas = {
    cooldown: limits.cooldown,
    perRecipient: readQuotas('perRecipient', MAX_QUOTA_WINDOW),
    perSubject: readQuotas('perSubject', MAX_QUOTA_WINDOW),
    perClient: readQuotas('perClient', MAX_CLIENT_WINDOW),
  };
  return { name, deliverWithin, limits: quotas, templateData };
}

function lifeOf(name: string, policy: z.infer<typeof linkSchema>, unless: Unless): Pick<Purpose, 'expiresIn'> {
  const ceilingText = CEILINGS[name] ?? CEILING;
  const ceiling = parseDuration(ceilingText)!;
  const given = typeof policy.expiresIn === 'number' ? { default: policy.expiresIn } : policy.expiresIn;
  const expiresIn = { min: given.min ?? 1, default: given.default, max: given.max ?? ceiling };
  unless(expiresIn.max <= ceiling, ['expiresIn', 'max'], `must not be above ${ceilingText} for this purpose`);
  unless(
    expiresIn.default >= expiresIn.min && expiresIn.default <= expiresIn.max,
    ['expiresIn'],
    'the default must lie between min and max',
  );
  unless(policy.codeLifetime <= MAX_CODE_LIFETIME, ['codeLifetime'], 'must not be above 10m');
  return { expiresIn };
}

function checkPage({ redeemOn, binding, landing, oneTimeCode }: z.infer<typeof linkSchema>, unless: Unless): void {
  if (redeemOn === 'page') {
    unless(landing === 'hosted', ['landing'], 'cannot be app with redeemOn: page: there would be no page to redeem on');
  }
  if (oneTimeCode === 'screen') {
    unless(
      binding === 'required' && landing === 'hosted',
      ['oneTimeCode'],
      'can be screen only with binding: required and landing: hosted; it is typed on the page in place of that proof',
    );
  }
}

/**
 * Checks a caller's mail variables against what the purpose declares.
 * @returns the faults, by variable name; an unknown name is reported under ''
 */
export function templateDataFaults(purpose: Pick<MailPolicy, 'templateData'>, given: Scalars): Map<string, string> {
  const faults = new Map<string, string>();
  const names = Object.keys(purpose.templateData);
  for (const [name, value] of Object.entries(given)) {
    const variable = Object.hasOwn(purpose.templateData, name) ? purpose.templateData[name] : undefined;
    if (!variable) faults.set('', `takes only the variables this purpose declares: ${names.join(', ') || 'none'}`);
    else if (value !== null && typeof value !== variable.type) faults.set(name, `must be a ${variable.type}`);
  }
  for (const name of names) {
    if (!purpose.templateData[name]!.required) continue;
    if ((given[name] ?? null) === null) faults.set(name, 'is required by this purpose');
    else if (isLure(given[name]))
      faults.set(name, 'is required by this purpose, and what looks like an address or a link is left out of mails');
  }
  return faults;
}
