import fc from 'fast-check';
import type { Link } from '../../src/links/link.js';
import { sampleLink } from '../../src/testing.js';

/** Life of a link, in ms. */
const LIFE = 10_000;

export type Act =
  | { readonly do: 'mint'; readonly subject: number; readonly supersedes: boolean; readonly key: number | null }
  | { readonly do: 'redeem'; readonly link: number; readonly fingerprint: string }
  | { readonly do: 'revoke'; readonly link: number }
  | { readonly do: 'resend'; readonly link: number };
interface Step {
  readonly act: Act;
  /** which of the instances is asked */
  readonly at: number;
  /** turns of the event loop before it is asked */
  readonly after: number;
}
export interface Burst {
  readonly steps: readonly Step[];
  /** the instance that dies, with its so-manyth statement, which is carried out or not */
  readonly death: { readonly of: number; readonly after: number; readonly lands: boolean } | null;
  /** ms that pass afterwards */
  readonly pause: number;
}

export const INSTANCES = 2;
const instance = fc.nat(INSTANCES - 1);
const link = fc.nat(7);
export const burst: fc.Arbitrary<Burst> = fc.record({
  steps: fc.array(
    fc.record({
      act: fc.oneof(
        fc.record({
          do: fc.constant('mint' as const),
          subject: fc.nat(2),
          supersedes: fc.boolean(),
          key: fc.option(fc.nat(2)),
        }),
        fc.record({
          do: fc.constant('redeem' as const),
          link,
          fingerprint: fc.constantFrom('right', 'right', 'wrong'),
        }),
        fc.record({ do: fc.constant('revoke' as const), link }),
        fc.record({ do: fc.constant('resend' as const), link }),
      ),
      at: instance,
      after: fc.constantFrom(0, 0, 1, 4, 16),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  death: fc.option(fc.record({ of: instance, after: fc.nat(3), lands: fc.boolean() })),
  pause: fc.constantFrom(0, 1, 4_000, LIFE),
});

/** What the model knows of a link. */
export interface Known {
  readonly link: Link;
  ended: 'redeemed' | 'revoked' | undefined;
  /** how often it was mailed again, and whether that mail still waits: nobody carries it away here */
  resends: number;
  isDue: boolean;
}
/** What was asked and, as long as its instance lived, answered. `began` and `ended` are places in the order of events. */
export interface Call {
  readonly act: Act;
  readonly link: Link;
  readonly began: number;
  ended: number;
  answer: boolean | undefined;
}
export interface Row {
  readonly id: string;
  readonly redeemed_at: unknown;
  readonly revoked_at: unknown;
  readonly resends: number;
  readonly due_at: unknown;
}

/** What no order of these calls explains. @param before the links, as they were before @param rows as they are now */
export function faultsOf(
  before: readonly Known[],
  calls: readonly Call[],
  rows: readonly Row[],
  now: number,
): string[] {
  const faults: string[] = [];
  const isThere = (link: Link): boolean => rows.some(({ id }) => id === link.id);
  const mints = calls.filter(({ act }) => act.do === 'mint');
  for (const { link, answer, began } of mints) {
    if (answer === true && !isThere(link)) faults.push(`${link.id}: acknowledged and lost`);
    if (answer === false && isThere(link)) faults.push(`${link.id}: refused and there`);
    const { idempotencyKey: key } = link;
    const withKey = [...before, ...mints].filter((one) => one.link.idempotencyKey === key && isThere(one.link)).length;
    if (key !== null && withKey > 1) faults.push(`${link.id}: its key minted ${withKey} links`);
    const isNewer = (one: { readonly link: Link }): boolean => supersedes(one.link, link) && isThere(one.link);
    const isOver = before.some(isNewer) || mints.some((mint) => isNewer(mint) && mint.ended < began);
    if (answer === false && ![...before, ...mints].some(isNewer) && (key === null || withKey === 0))
      faults.push(`${link.id}: refused for no reason`);
    if (answer === true && isOver) faults.push(`${link.id}: acknowledged when it was over`);
  }
  for (const { link, ended, resends, isDue } of before) {
    const row = rows.find(({ id }) => id === link.id);
    const own = calls.filter((call) => call.link.id === link.id);
    const end = endOf(row);
    const wins = own.filter(({ act, answer }) => act.do !== 'resend' && answer === true);
    const asked = (what: Act['do']): Call[] =>
      own.filter(({ act }) => act.do === what && !(act.do === 'redeem' && act.fingerprint === 'wrong'));
    const isSuperseded = before.some((other) => supersedes(other.link, link));
    const isDead = link.expiresAt <= now || isSuperseded;
    const newer = mints.filter((mint) => supersedes(mint.link, link) && isThere(mint.link));
    const fault = (what: string): number => faults.push(`${link.id}: ${what}`);

    if (!isThere(link)) fault('lost');
    if (ended !== undefined && end !== ended) fault(`was ${ended}, is ${end}`);
    if (wins.length > (ended === undefined ? 1 : 0)) fault('ended twice');
    const [win] = wins;
    if (win && end !== (win.act.do === 'redeem' ? 'redeemed' : 'revoked')) fault(`${win.act.do} forgotten`);
    // What nobody was told of was done by somebody who heard no answer.
    if (ended === undefined && end === 'redeemed' && !asked('redeem').some(({ answer }) => answer !== false))
      fault('redeemed by nobody');
    if (ended === undefined && end === 'revoked' && !asked('revoke').some(({ answer }) => answer !== false))
      fault('revoked by nobody');
    if (ended === undefined && end === 'redeemed' && isDead) fault('redeemed when it was over');
    if (win?.act.do === 'redeem' && !asked('redeem').includes(win)) fault('redeemed with a wrong fingerprint');
    if (win?.act.do === 'redeem' && newer.some((mint) => mint.ended < win.began))
      fault('redeemed after a newer one was acknowledged');
    // And never nobody, when somebody was refused and nothing stood in the way.
    const refused = (act: Act['do']): boolean => asked(act).some(({ answer }) => answer === false);
    if (end === undefined && refused('revoke')) fault('a revocation was refused for no reason');
    if (end === undefined && refused('redeem') && !isDead && newer.length === 0)
      fault('a redemption was refused for no reason');

    // Each resend counts once, and those of which nobody heard once or not at all.
    const again = asked('resend').filter(({ answer }) => answer === true);
    const unheard = asked('resend').filter(({ answer }) => answer === undefined).length;
    const more = Number(row?.resends) - resends;
    if (more < again.length || more > again.length + unheard) fault(`${again.length} resends counted as ${more}`);
    // A mail that waits keeps a link from running out; nothing else does, and nothing gives it back what it has lost.
    const wasOver = ended !== undefined || isSuperseded || (link.expiresAt <= now && !isDue);
    if (more > 0 && wasOver) fault('resent when it was over');
    if (again.some(({ began }) => wins.some((other) => other.ended < began))) fault('resent after its end');
    if (again.some(({ began }) => newer.some((mint) => mint.ended < began)))
      fault('resent after a newer one was acknowledged');
    if (end === undefined && refused('resend') && !wasOver && newer.length === 0)
      fault('a resend was refused for no reason');
    if (isThere(link) && (row!.due_at !== null) !== (end !== 'revoked' && (isDue || more > 0)))
      fault(end === 'revoked' ? 'revoked, and its mail still waits' : 'its mail was forgotten');
  }
  return faults;
}

export function minted(act: Act & { do: 'mint' }, id: string, now: number): Link {
  return sampleLink({
    id,
    via: 'email',
    subject: `user-${act.subject}`,
    supersedes: act.supersedes,
    fingerprint: 'right',
    idempotencyKey: act.key === null ? null : `key-${act.key}`,
    createdAt: now,
    issuedAt: now,
    expiresAt: now + LIFE,
    delivery: { status: 'sent', deliverBy: now + LIFE },
  });
}

export const endOf = (row: Row | undefined): Known['ended'] =>
  row?.redeemed_at ? 'redeemed' : row?.revoked_at ? 'revoked' : undefined;
export const supersedes = (newer: Link, older: Link): boolean =>
  newer.supersedes && newer.subject === older.subject && newer.id > older.id;
