import * as refuse from './errors.js';
import { statusOf, type Link } from './link.js';
import type { Redemption } from './link-store.js';
import type { Proof } from './tokens.js';

export const IDEMPOTENCY_LIFETIME = 24 * 3_600_000;

/** The refusal of a link that has ended, or undefined for an active one. */
export function ended(link: Link, now: number): refuse.Refusal | undefined {
  switch (statusOf(link, now)) {
    case 'redeemed':
      return new refuse.LinkRedeemed();
    case 'revoked':
      return new refuse.LinkRevoked();
    case 'superseded':
      return new refuse.LinkSuperseded();
    case 'expired':
      return new refuse.LinkExpired();
    case 'active':
      return undefined;
  }
}

/** The refusal of a token's holder: the link has ended, or this token's own time has passed. */
export function endedFor(proof: Proof, link: Link, now: number): refuse.Refusal | undefined {
  return ended(link, now) ?? (proof.expired ? new refuse.LinkExpired() : undefined);
}

/** Why the guarded write says no. It explains; it never decides. */
export function explain(link: Link, proof: Proof, question: Redemption): refuse.Refusal | undefined {
  const refusal = endedFor(proof, link, question.now);
  if (refusal) return refusal;
  if (link.fingerprint !== null && link.fingerprint !== question.fingerprint) return new refuse.FingerprintMismatch();
  const asked = question.challenge !== null || question.challengeRequired;
  if (asked && sameBrowser(link, question) === false) return new refuse.BindingMismatch();
  return undefined;
}

/** Only the caller that won knows the key under which it won; a lost answer is ambiguous to it alone. */
export function isReplay(link: Link, question: Redemption): boolean {
  return (
    question.redeemKey !== null &&
    link.redeemKey === question.redeemKey &&
    link.redeemedAt !== null &&
    question.now < link.redeemedAt + IDEMPOTENCY_LIFETIME
  );
}

/** Whether the redeeming browser proved to be the requesting one; null if nobody asked. */
export function sameBrowser(link: Link, question: Redemption): boolean | null {
  return link.codeChallenge === null ? null : link.codeChallenge === question.challenge;
}
