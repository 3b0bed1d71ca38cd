import { challengeOf, fingerprintOf } from './digest.js';
import * as refuse from './errors.js';
import { statusOf, type Link, type LinkView } from './link.js';
import type { LinkStore, Redemption } from './link-store.js';
import { readTypedCode } from './one-time-code.js';
import type { Purpose } from './purpose.js';
import type { InspectRequest } from './requests.js';
import type { Proof, Tokens } from './tokens.js';

export const IDEMPOTENCY_LIFETIME = 24 * 3_600_000;
/** Wrong codes for one link before its code is dead; the link itself stays good. */
const MOST_WRONG = 5;

/** What the caller gives besides the token or code. */
export type Given = Pick<InspectRequest, 'fingerprint' | 'codeVerifier'>;

/** The question that the guarded write answers. */
export function questionOf(
  { id, app, purpose: name, bound }: Proof,
  given: Given,
  {
    purpose,
    redeemKey,
    now,
    salt = id,
  }: { purpose: Purpose | undefined; redeemKey: string | null; now: number; salt?: string },
): Redemption {
  return {
    id,
    app,
    purpose: name,
    fingerprint: given.fingerprint === undefined ? null : fingerprintOf(salt, given.fingerprint),
    // A typed code stands in for the verifier; the one at hand is then of another browser.
    challenge: given.codeVerifier === undefined || bound ? null : challengeOf(given.codeVerifier),
    challengeRequired: purpose?.binding === 'required' && !bound,
    redeemKey,
    now,
  };
}

/** The row that an authentic token speaks of. @throws TokenInvalid, for a decoy too: it was never meant to be one */
export async function readProven(store: LinkStore, proof: Proof): Promise<Link> {
  const link = await store.find(proof.app, proof.id);
  if (!link || link.decoy || link.purpose !== proof.purpose) throw new refuse.TokenInvalid();
  return link;
}

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
  // A code has no time of its own: its link may wait for a mail that is to be sent again.
  if (link.expiresAt <= question.now) return new refuse.LinkExpired();
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
export function sameBrowser(link: LinkView, question: Redemption): boolean | null {
  return link.codeChallenge === null ? null : link.codeChallenge === question.challenge;
}

/**
 * Judges a typed code. A wrong one is counted, and so is a decoy's: nobody can tell it from a link. What cannot be a
 * code is not counted, or a robot that fills in forms would use the attempts up.
 * @param redeemKey of whoever may have won with the code already, and asks again
 * @throws CodeIncorrect, CodeExhausted, TokenInvalid if there is no such link
 */
export async function judgeCode(
  store: LinkStore,
  tokens: Tokens,
  { app, id, purpose }: Pick<Proof, 'app' | 'id' | 'purpose'>,
  typed: string,
  redeemKey: string | null = null,
): Promise<void> {
  const code = readTypedCode(typed);
  if (code === undefined) throw new refuse.CodeIncorrect();
  const right = tokens.isOneTimeCode(id, code);
  if (!(await store.tryCode(app, id, purpose, { right, most: MOST_WRONG }))) {
    const link = await store.find(app, id);
    if (right && redeemKey !== null && link?.redeemKey === redeemKey) return;
    throw link?.purpose === purpose ? new refuse.CodeExhausted() : new refuse.TokenInvalid();
  }
  if (!right) throw new refuse.CodeIncorrect();
}

/** Whether a link's code may still be typed. */
export function isCodeAlive(codeAttempts: number): boolean {
  return codeAttempts < MOST_WRONG;
}
