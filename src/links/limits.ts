import { RateLimited } from './errors.js';
import type { Link } from './link.js';
import type { CountedBy, Fillings, MintGuard } from './link-store.js';
import type { AnyPurpose, Quota } from './purpose.js';
import { clientKey } from './recipient.js';

/** Limits of the operator's, beside those of the purposes. None: off. */
export interface SharedLimits {
  readonly perApp?: readonly Quota[];
  /** over all apps */
  readonly service?: readonly Quota[];
}

type Rule = Quota & { readonly by: CountedBy };

/** How much may be minted and sent. What is not configured is not in the question that the store is asked. */
export class Limits {
  private readonly rules: ReadonlyMap<string, readonly Rule[]>;
  /** A client's address is kept only if some purpose counts by it. */
  private readonly countsClients: boolean;

  constructor(purposes: ReadonlyMap<string, AnyPurpose>, shared: SharedLimits = {}) {
    const all = [...purposes.values()];
    this.rules = new Map(all.map((purpose) => [purpose.name, rulesOf(purpose, shared)]));
    this.countsClients = all.some(({ limits }) => limits.perClient.length > 0);
  }

  /** How far back they count, in ms: rows that are younger must not go. */
  get reach(): number {
    return 1000 * Math.max(0, ...[...this.rules.values()].flat().map(({ window }) => window));
  }

  /**
   * What the store has to see to for this mint.
   * @param clientIp the address of whoever asked the app for it
   */
  forMint(purpose: AnyPurpose, link: Link, clientIp?: string): MintGuard {
    const client = this.countsClients && clientIp !== undefined ? clientKey(clientIp) : undefined;
    return {
      quietSince: link.via === 'email' ? quietSince(purpose, link.createdAt) : null,
      windows: this.windows(purpose, link.createdAt, client !== undefined),
      ...(client !== undefined && { client }),
    };
  }

  /** The same for a resend; whose address asked for that is not known. */
  forResend(purpose: AnyPurpose, now: number): MintGuard {
    return { quietSince: quietSince(purpose, now), windows: this.windows(purpose, now, false) };
  }

  private windows(purpose: AnyPurpose, now: number, withClient: boolean): MintGuard['windows'] {
    return this.rules
      .get(purpose.name)!
      .filter(({ by }) => withClient || by !== 'client')
      .map(({ by, window, count }) => ({ by, since: since(now, window), count }));
  }
}

/** Explains a refusal: when the last of the limits that were run into makes room again. */
export function explainLimit(guard: MintGuard, { lastMail, windows }: Fillings): RateLimited {
  const waits = [1];
  if (lastMail !== null) waits.push(lastMail - guard.quietSince! + 1);
  windows.forEach((filling, index) => {
    // When the send that fills the quota leaves the window, there is room for one more.
    if (filling !== null) waits.push(filling - guard.windows[index]!.since + 1);
  });
  return new RateLimited(Math.ceil(Math.max(...waits) / 1000));
}

/** No shared limit stops a notification, or whoever fills it would silence the warnings. */
function rulesOf({ kind, limits }: AnyPurpose, shared: SharedLimits): Rule[] {
  const { perApp = [], service = [] } = kind === 'link' ? shared : {};
  const quotas: Record<CountedBy, readonly Quota[]> = {
    recipient: limits.perRecipient,
    subject: limits.perSubject,
    client: limits.perClient,
    app: perApp,
    service,
  };
  return Object.entries(quotas).flatMap(([by, rules]) => rules.map((rule) => ({ ...rule, by: by as CountedBy })));
}

function quietSince({ limits }: AnyPurpose, now: number): number | null {
  return limits.cooldown > 0 ? since(now, limits.cooldown) : null;
}

function since(now: number, seconds: number): number {
  return now - seconds * 1000 + 1;
}
