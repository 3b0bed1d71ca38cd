import type { Attempt, DeliveryStatus, Link, LinkStatus, Message } from './link.js';

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
   * Inserts the link if its limits permit and its idempotency key is free.
   * The race: two mints for one recipient must not both take the last permit, nor both take one key.
   * @returns whether it was inserted; 'suppressed' if it was and its recipient gets no mail, see `MessageStore.suppress`
   */
  insert(link: Link, guard: MintGuard): Promise<boolean | 'suppressed'>;

  /**
   * Uses the link up if, at this instant, everything that is asked for holds.
   * The race: of any number of concurrent calls for one link exactly one gets it, and that is the verdict.
   * @returns the used-up link to the winner, undefined to everyone else
   */
  redeem(question: Redemption): Promise<Link | undefined>;

  /**
   * Whether a one-time code may still be tried for the link, in whatever state that is; a wrong one is counted.
   * The race: attempts are judged one after the other, so that guessing in parallel gains nothing.
   * @param attempt whether the code is right, and how many wrong ones may be counted
   * @returns false once that many were counted, or if there is no such link
   */
  tryCode(app: string, id: string, purpose: string, attempt: { right: boolean; most: number }): Promise<boolean>;

  /** @returns one link of the app, or undefined */
  find(app: string, id: string): Promise<Link | undefined>;
  findByIdempotencyKey(app: string, key: string): Promise<Link | undefined>;
  /** Frees a key whose 24 hours are over. */
  releaseIdempotencyKey(app: string, key: string, before: number): Promise<void>;

  /** @returns links of the app, and no notifications, newest first */
  list(app: string, filter: LinkFilter, page: { limit: number; after?: string }, now: number): Promise<Link[]>;
  /** @returns what was minted for a recipient since `from` (an id), newest first: facts to explain a limit, not to decide it */
  mintsSince(app: string, recipientKey: string, from: string): Promise<MintRecord[]>;

  /** Withdraws the app's links that match and are neither used nor withdrawn. @returns how many */
  revoke(app: string, filter: LinkFilter & { id?: string }, now: number): Promise<number>;
  /** Notes the first time that the confirm page was shown. */
  markOpened(id: string, now: number): Promise<void>;

  /**
   * Queues the mail of an active link once more, if none of its mails is younger than the cool-down
   * and the recipient's limits permit.
   * @returns whether it was queued
   */
  requeue(
    app: string,
    id: string,
    now: number,
    times: { quietSince: number; deliverBy: number },
    windows: Window[],
  ): Promise<boolean>;

  /**
   * Leases mails that are due: each claimed row has its attempt counted, its life begun anew (`expiresAt` = now +
   * `expiresIn`, never earlier than it was) and belongs to `lease` until `until`. Revoked, used and superseded
   * links are never claimed, nor those of a suppressed recipient. The race: two couriers never hold one mail at the same
   * time.
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
  /** Ends the delivery of mails that are past their deadline or no longer wanted. @returns what became of each */
  abandonOverdue(now: number): Promise<Ended[]>;
  /** @returns when the next mail is due, or null */
  nextDue(): Promise<number | null>;

  /**
   * Looks at the next `limit` links after the id `after`, oldest first: forgets the personal data of those that ended
   * before `wipeBefore`, and deletes those that ended before `deleteBefore`. Never what keeps an older, living link
   * superseded.
   * @returns the last id it looked at, to go on from, or null when no older links are left
   */
  sweep(
    after: string,
    times: { wipeBefore: number; deleteBefore: number; now: number },
    limit: number,
  ): Promise<string | null>;
  /** @returns the newest id, or undefined for an empty store */
  newestId(): Promise<string | undefined>;
}

/** Mints to one recipient that are counted from `from` (an id) on, and how many are permitted. */
export interface Window {
  readonly from: string;
  readonly count: number;
}

export interface MintGuard {
  /** no mail of the same purpose to the recipient since this id; null for no cool-down */
  readonly quietSince: string | null;
  readonly windows: readonly Window[];
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

export interface LinkFilter {
  readonly subject?: string;
  readonly recipient?: string;
  readonly recipientKey?: string;
  readonly purpose?: string;
  readonly status?: LinkStatus;
}

export interface MintRecord {
  readonly kind: Link['kind'];
  readonly createdAt: number;
  readonly purpose: string;
  readonly via: 'email' | 'return';
  readonly resends: number;
}

export type Settlement =
  | { readonly status: 'sent'; readonly at: number }
  | { readonly status: 'queued'; readonly dueAt: number; readonly error: string }
  | { readonly status: 'failed'; readonly error: string };

/** A mail that will not be sent: `sent`, if it was to be sent once more. */
export interface Ended {
  readonly id: string;
  readonly status: Extract<DeliveryStatus, 'abandoned' | 'suppressed' | 'sent'>;
}
