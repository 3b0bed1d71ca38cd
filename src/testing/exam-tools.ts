import assert from 'node:assert/strict';
import { addressKey, recipientKey } from '../links/recipient.js';
import type { Delivery, Link, LinkView } from '../links/link.js';
import { LinkIds } from '../links/link-ids.js';
import type { LinkStore, MintGuard, Redemption } from '../links/link-store.js';

/** One question of the exam. It gets an empty store and rejects if the store fails. */
export interface ExamCase {
  readonly name: string;
  readonly run: (store: LinkStore) => Promise<void>;
}

export const NOW = 1_800_000_000_000;
export const NO_LIMITS: MintGuard = { quietSince: null, windows: [] };
export const ids = new LinkIds(() => NOW);

/** A redeemable link for a person of its own, minted at a fixed time. */
export function sampleLink(change: Partial<Omit<Link, 'delivery'>> & { delivery?: Partial<Delivery> } = {}): Link {
  const id = change.id ?? ids.next();
  const recipient = change.recipient ?? `person-${id}@example.com`;
  const { delivery, ...rest } = change;
  return {
    id,
    kind: 'link',
    app: 'default',
    purpose: 'password-reset',
    subject: `user-${id}`,
    recipient,
    recipientKey: recipientKey(recipient),
    addressKey: addressKey(recipient),
    locale: 'en',
    via: 'return',
    decoy: false,
    supersedes: true,
    data: { plan: 'pro', note: 'Grüße "quoted" \\ and \u2028' },
    templateData: { name: 'Ann' },
    redirectUri: null,
    fingerprint: null,
    codeChallenge: null,
    idempotencyKey: null,
    requestDigest: null,
    createdAt: NOW,
    expiresIn: 600,
    issuedAt: NOW,
    expiresAt: NOW + 600_000,
    redeemedAt: null,
    redeemKey: null,
    revokedAt: null,
    openedAt: null,
    closedAt: null,
    reportedAt: null,
    renews: null,
    codeAttempts: 0,
    superseded: false,
    ...rest,
    delivery: {
      status: 'none',
      attempts: 0,
      dueAt: null,
      deliverBy: null,
      lease: null,
      sentAt: null,
      lastError: null,
      resends: 0,
      resentAt: null,
      ...delivery,
    },
  };
}

/** What a store has to hand over of it to whoever redeems it; it may hand over more. */
export function viewOf(link: LinkView): LinkView {
  const { id, app, purpose, subject, recipient, locale, data, redirectUri, renews, codeChallenge } = link;
  const { createdAt, expiresAt, redeemedAt, revokedAt, openedAt, reportedAt, superseded } = link;
  const { status, attempts, dueAt, sentAt, lastError } = link.delivery;
  return {
    ...{ id, app, purpose, subject, recipient, locale, data, redirectUri, renews, codeChallenge },
    ...{ createdAt, expiresAt, redeemedAt, revokedAt, openedAt, reportedAt, superseded },
    delivery: { status, attempts, dueAt, sentAt, lastError },
  };
}

export const mailed = (change: Parameters<typeof sampleLink>[0] = {}): Link =>
  sampleLink({
    via: 'email',
    ...change,
    delivery: { status: 'queued', dueAt: NOW, deliverBy: NOW + 600_000, ...change.delivery },
  });

export const asks = (link: Link, change: Partial<Redemption> = {}): Redemption => ({
  id: link.id,
  app: link.app,
  purpose: link.purpose,
  fingerprint: null,
  challenge: null,
  challengeRequired: false,
  redeemKey: null,
  now: NOW + 1000,
  ...change,
});

export async function inserted(store: LinkStore, link: Link): Promise<Link> {
  assert.equal(await store.insert(link, NO_LIMITS), true, 'a mint without limits must be inserted');
  return link;
}
