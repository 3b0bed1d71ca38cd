import type { Attempt } from '../mail/verdict.js';

export type { Attempt };
export type LinkStatus = 'active' | 'redeemed' | 'expired' | 'revoked' | 'superseded';
export const DELIVERY_STATUSES = [
  'none',
  'queued',
  'sending',
  'sent',
  'failed',
  'abandoned',
  'suppressed',
  'cancelled',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];
export type JsonObject = { [member: string]: unknown };
export type Scalars = { [name: string]: string | number | boolean | null };

/**
 * What others get to know of a link: the app, and whoever is in front of its page. A redemption hands over no more.
 * Every time is in milliseconds since the Unix epoch.
 */
export interface LinkView {
  /** = the JWT's `jti` */
  readonly id: string;
  readonly app: string;
  readonly purpose: string;
  readonly subject: string;
  /** null once personal data has been purged */
  readonly recipient: string | null;
  readonly locale: string;
  readonly data: JsonObject;
  readonly redirectUri: string | null;
  /** the link that the app minted, if somebody asked for a new one on its page, or on that of its renewal */
  readonly renews: string | null;
  /** base64url SHA-256 of the secret the requesting browser keeps (RFC 7636 S256) */
  readonly codeChallenge: string | null;

  readonly createdAt: number;
  readonly expiresAt: number;
  readonly redeemedAt: number | null;
  readonly revokedAt: number | null;
  readonly openedAt: number | null;
  /** when the recipient said "this wasn't me" */
  readonly reportedAt: number | null;
  /** derived: a newer, superseding link of the same subject and purpose exists */
  readonly superseded: boolean;

  readonly delivery: DeliveryView;
}

export interface DeliveryView {
  readonly status: DeliveryStatus;
  readonly attempts: number;
  /** the next attempt, or the end of the lease of the one under way; null when nothing is left to do */
  readonly dueAt: number | null;
  readonly sentAt: number | null;
  readonly lastError: string | null;
}

/**
 * The stored fact. Every time is in milliseconds since the Unix epoch, every duration in seconds.
 * The row is also the outbox: `delivery.dueAt` says when the courier has to look at it next.
 */
export interface Link extends LinkView {
  /** a `notification` is a mail without a link: in the outbox like any other, and nothing to redeem */
  readonly kind: 'link' | 'notification';
  /** the mailbox, by which limits count; see `recipientKey` */
  readonly recipientKey: string;
  /** the address itself, where it bears a tag and so is not the mailbox's only one; see `addressKey` */
  readonly addressKey: string | null;
  /** how the caller asked for it; a mailed link is never returned and the other way round */
  readonly via: 'email' | 'return';
  /** minted for an address nobody owns: same work, no mail, never redeemable */
  readonly decoy: boolean;
  /** whether minting it put older links of the same subject and purpose out of use */
  readonly supersedes: boolean;
  readonly templateData: Scalars;
  /** digest of the state the link depends on, salted with the id that the app minted; see `fingerprintOf` */
  readonly fingerprint: string | null;
  readonly idempotencyKey: string | null;
  readonly requestDigest: string | null;

  /** life in seconds, counted from the attempt that hands the mail over */
  readonly expiresIn: number;
  /** `iat` of the newest token */
  readonly issuedAt: number;
  /** digest of the winner's Idempotency-Key */
  readonly redeemKey: string | null;
  /** when it was to be withdrawn, be it after its end: it stays as it ended, but nobody is sent a new one for it */
  readonly closedAt: number | null;
  /** wrong one-time codes that were typed for it */
  readonly codeAttempts: number;

  readonly delivery: Delivery;
}

export interface Delivery extends DeliveryView {
  /** not handed over by then: abandoned */
  readonly deliverBy: number | null;
  /** the fence of the attempt under way */
  readonly lease: string | null;
  /** how often the caller asked to send it again, and when last; decoys too. Counts towards the limits */
  readonly resends: number;
  readonly resentAt: number | null;
}

/** A link seen as the mail that it is. */
export interface Message extends Link {
  /** the latest tries, oldest first */
  readonly log: readonly Attempt[];
}

/**
 * What a link is worth at `now`. A used or withdrawn link stays that; a link whose mail is still on its way
 * has not begun to live, so it cannot have expired.
 */
export function statusOf(link: LinkView, now: number): LinkStatus {
  if (link.redeemedAt !== null) return 'redeemed';
  if (link.revokedAt !== null) return 'revoked';
  if (link.superseded) return 'superseded';
  if (link.expiresAt <= now && link.delivery.dueAt === null) return 'expired';
  return 'active';
}

/**
 * `exp` is in whole seconds (RFC 7519 section 2), and the row must agree with it to the millisecond.
 * @returns the end of a life of `expiresIn` seconds that begins at `now`
 */
export function expiryOf(now: number, expiresIn: number): number {
  return Math.floor(now / 1000) * 1000 + expiresIn * 1000;
}
