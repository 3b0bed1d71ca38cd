import type { Attempt, Link, LinkStatus, LinkView, Message } from './link.js';

/** Nest's token for the `LinkStore` in force. */
export const LINK_STORE = Symbol('LINK_STORE');

/**
 * Where links live. Each method asks a question that one guarded statement answers; no method hands out a row
 * for the caller to decide on and write back, because between the two anything may happen.
 * Every write is durable when its promise resolves. A store that cannot answer rejects with `Unavailable`.
 * `src/testing.ts` holds the exam every implementation has to pass.
 */
export interface LinkStore {
  /**
   * Inserts the link if its limits permit, its idempotency key is free and no newer link would end it as it begins.
   * The race: two mints for one recipient must not both take the last permit, nor both take one key.
   * @returns whether it was inserted; 'suppressed' if it was and its recipient gets no mail, see `MessageStore.suppress`
   */
  insert(link: Link, guard: MintGuard): Promise<boolean | 'suppressed'>;

  /**
   * Uses the link up if, at this instant, everything that is asked for holds.
   * The race: of any number of concurrent calls for one link exactly one gets it, and that is the verdict.
   * @returns what others are told of the used-up link, to the winner; undefined to everyone else
   */
  redeem(question: Redemption): Promise<LinkView | undefined>;

  /** Whether one more of these writes would be taken now; if not, whoever asks is better told before any work is done. */
  hasRoomFor(write: 'mint' | 'redemption'): boolean;

  /**
   * Whether a one-time code may still be tried for the link, in whatever state that is; a wrong one is counted.
   * The race: attempts are judged one after the other, so that guessing in parallel gains nothing.
   * @param attempt whether the code is right, and how many wrong ones may be counted
   * @returns false once that many were counted, or if there is no such link
   */
  tryCode(app: string, id: string, purpose: string, attempt: { right: boolean; most: number }): Promise<boolean>;

  /** @returns one link of the app, or undefined */
  find(app: string, id: string): Promise<Link | undefined>;
  /** @returns whether the link is one to this address, also when the row itself has forgotten whom it was for */
  wentTo(app: string, id: string, recipient: Required<RecipientKeys>): Promise<boolean>;
  findByIdempotencyKey(app: string, key: string): Promise<Link | undefined>;
  /** @returns the id of the newest link that ends this one, if any does: facts to explain a refusal, not to decide it */
  newerThan(link: Link): Promise<string | undefined>;
  /** Frees a key whose 24 hours are over. */
  releaseIdempotencyKey(app: string, key: string, before: number): Promise<void>;

  /** @returns links of the app, and no notifications, newest first */
  list(app: string, filter: LinkFilter, page: { limit: number; after?: string }, now: number): Promise<Page<Link>>;
  /** @returns what stands in the way of a mint or resend: facts to explain a refusal, not to decide it */
  fillings(link: Link, guard: MintGuard, now: number): Promise<Fillings>;

  /** Withdraws the app's links that match and are neither used nor withdrawn. @returns how many */
  revoke(app: string, filter: LinkFilter & { id?: string }, now: number): Promise<number>;
  /** Notes the first time that the confirm page was shown. */
  markOpened(id: string, now: number): Promise<void>;
  /** Notes the first time that the recipient said "this wasn't me". */
  markReported(id: string, now: number): Promise<void>;

  /**
   * Counts a resend of an active link if its limits permit, and queues its mail once more unless it is on its way; a decoy
   * becomes due and keeps its status. The race: as of `insert`.
   * @returns whether it was permitted
   */
  requeue(link: Link, guard: MintGuard, times: { now: number; deliverBy: number }): Promise<boolean>;

  /**
   * Takes the first `limit` mails that are due. Each is leased, `sending`: its attempt is counted, its life begins anew
   * (`expiresAt` = now + `expiresIn`, never earlier than it was) and it belongs to `lease` until `until`. Or it ends: past
   * its deadline or no longer wanted it is `abandoned`, `suppressed` if its recipient is, and `sent` if it was to be sent
   * once more; a decoy keeps its status. The race: two couriers never hold one mail at the same time.
   */
  claimDue(lease: string, now: number, until: number, limit: number): Promise<Message[]>;
  /** Extends a lease; false if it was lost. */
  renewLease(id: string, lease: string, until: number): Promise<boolean>;
  /**
   * Writes an attempt's outcome, fenced by the lease.
   * @param log replaces the one the message was claimed with, if there is anything in it
   * @returns false if the lease was lost
   */
  settle(id: string, lease: string, outcome: Settlement, log?: readonly Attempt[]): Promise<boolean>;
  /** @returns when the next mail is due, or null */
  nextDue(): Promise<number | null>;

  /**
   * Looks at the next `limit` links after the id `after`, oldest first: forgets the personal data of those that ended
   * before `wipeBefore`, and deletes those that ended before `deleteBefore`. Never what keeps an older, living link
   * superseded. It may pass over those that are too young by their ids, but not over ids from a clock that was ahead.
   * @returns the last id it looked at, to go on from, or null when no such links are left
   */
  sweep(
    after: string,
    times: { wipeBefore: number; deleteBefore: number; now: number },
    limit: number,
  ): Promise<string | null>;
  /** @returns the newest id, or undefined for an empty store. A store that takes no writes cannot answer. */
  newestId(): Promise<string | undefined>;
}

/**
 * A page of a list. One that has looked for long enough is shorter than asked for, or empty, though there may be more:
 * a list that looks for what is rare must not keep others from their links.
 */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** where the next page begins; null at the end */
  readonly nextCursor: string | null;
}

/** What a limit counts: mints and resends of one app to the same recipient, …, of one app, or all there are. */
export type CountedBy = 'recipient' | 'subject' | 'client' | 'app' | 'service';

/**
 * Fewer than `count` since `since` (ms), and as far ahead of now: so the clocks of two instances may differ a little,
 * and what was written while a clock was quite wrong does not count for ever. A link's resends count as of its last one.
 */
export interface Window {
  readonly by: CountedBy;
  readonly since: number;
  readonly count: number;
}

export interface MintGuard {
  /** no mail of the same purpose to the recipient was asked for since (ms), nor as far ahead; null for no cool-down */
  readonly quietSince: number | null;
  readonly windows: readonly Window[];
  /** what `client` windows count by; written beside the link, and read by nothing else */
  readonly client?: string;
}

export interface Fillings {
  /** when the last mail was asked for that is within the cool-down (ms) */
  readonly lastMail: number | null;
  /** for each window of the guard, when the send was asked for that fills it (ms); null where there is room */
  readonly windows: readonly (number | null)[];
}

export interface Redemption {
  readonly id: string;
  readonly app: string;
  readonly purpose: string;
  readonly fingerprint: string | null;
  /** digest of the verifier that was given; must equal the link's challenge if there is one */
  readonly challenge: string | null;
  /** a link with a challenge cannot be redeemed without the verifier */
  readonly challengeRequired: boolean;
  readonly redeemKey: string | null;
  readonly now: number;
}

/** The keys of one address; without its `addressKey`, of the mailbox with every tag. */
export type RecipientKeys = { readonly key: string; readonly addressKey?: string | null };

export interface LinkFilter {
  readonly subject?: string;
  /** one address, in every form in which it may be stored */
  readonly recipients?: readonly RecipientKeys[];
  readonly purpose?: string;
  readonly status?: LinkStatus;
}

export type Settlement =
  | { readonly status: 'sent'; readonly at: number }
  | { readonly status: 'queued'; readonly dueAt: number; readonly error: string }
  | { readonly status: 'failed'; readonly error: string };
