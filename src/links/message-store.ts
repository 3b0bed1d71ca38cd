import type { DeliveryStatus, Message } from './link.js';
import type { Page, RecipientKeys } from './link-store.js';

/** Nest's token for the `MessageStore` in force. */
export const MESSAGE_STORE = Symbol('MESSAGE_STORE');

/**
 * Links seen as mail, and who gets none. The same rows as the `LinkStore`'s, which keeps to what is suppressed here when
 * it inserts and claims. Decoys and links that were returned are no messages. Guarded statements, as there.
 */
export interface MessageStore {
  find(app: string, id: string): Promise<Message | undefined>;
  /** @returns messages of the app, newest first */
  list(app: string, filter: MessageFilter, page: { limit: number; after?: string }): Promise<Page<Message>>;

  /**
   * Queues a mail that came to nothing once more, as the same mail: its link is neither used, withdrawn nor superseded,
   * and has not lived and expired already; its recipient is not suppressed.
   * @returns whether it was queued
   */
  requeue(app: string, id: string, times: { now: number; deliverBy: number }): Promise<boolean>;
  /** Ends the delivery of a mail that waits; one that is being handed over cannot be held back. @returns whether it did */
  cancel(app: string, id: string): Promise<boolean>;
  /** Notes that a mail which a relay had taken came back. @returns whether it was such a mail, to that mailbox */
  markBounced(app: string, id: string, recipientKey: string, error: string): Promise<boolean>;

  /** From now on the recipient gets no mail of the app, or of one purpose. The latest reason counts. */
  suppress(suppression: Suppression): Promise<void>;
  /** @param keys a recipient's keys. @returns how many suppressions were in force */
  lift(app: string, keys: readonly (string | null)[]): Promise<number>;
  /** @returns suppressions in the order of their keys */
  listSuppressions(
    app: string,
    filter: { keys?: readonly (string | null)[] },
    page: { limit: number; after?: readonly [recipientKey: string, purpose: string] },
  ): Promise<Suppression[]>;
  /** Forgets what has run out. */
  forgetSuppressions(before: number): Promise<void>;
}

export interface MessageFilter {
  readonly status?: DeliveryStatus;
  /** one address, in every form in which it may be stored */
  readonly recipients?: readonly RecipientKeys[];
}

/** Any purpose. */
export const EVERY_PURPOSE = '*';

/** Why a recipient gets no mail. `refused`: a relay said that there is no such mailbox; `reported`: "this wasn't me". */
export const SUPPRESSION_REASONS = ['refused', 'bounced', 'complained', 'reported'] as const;

export interface Suppression {
  readonly app: string;
  /** the `addressKey` of an address with a tag, else the `recipientKey`, which stands for all its tags, too */
  readonly recipientKey: string;
  /** or `EVERY_PURPOSE` */
  readonly purpose: string;
  readonly recipient: string;
  readonly reason: (typeof SUPPRESSION_REASONS)[number];
  /** ms since the epoch */
  readonly createdAt: number;
  /** null: until it is lifted */
  readonly until: number | null;
}
