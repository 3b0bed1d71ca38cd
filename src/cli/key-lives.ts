import type { Algorithm } from '../links/jwk-set.js';
import type { KeyRing } from '../links/key-ring.js';
import { LONGEST_LIFE } from '../links/purpose.js';
import { REPORT_LIFETIME } from '../links/tokens.js';

/** A link ends first; the mail's "this wasn't me", which comes with it, stays good. In ms. */
const LONGEST_TOKEN = 1000 * Math.max(LONGEST_LIFE, REPORT_LIFETIME);

/** Where a signing key is in its life. Times in ms; undefined: its file does not say. */
export interface KeyLife {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly state: 'waits' | 'signs' | 'verifies';
  readonly madeAt: number | undefined;
  readonly signsFrom: number;
  /** when nothing that an older key signed is good any more */
  readonly endsAt: number | undefined;
}

/** @param now ms */
export function livesOf(ring: KeyRing, now: number): KeyLife[] {
  const signer = ring.keys.indexOf(ring.signerAt(now));
  let stopped = Infinity;
  return ring.keys.map(({ kid, alg, madeAt, signsFrom }, index) => {
    const state = index < signer ? 'waits' : index === signer ? 'signs' : 'verifies';
    const endsAt = state === 'verifies' && stopped < Infinity ? stopped + LONGEST_TOKEN : undefined;
    // The next one in the file has signed no longer than until this one began.
    stopped = Math.min(stopped, Math.max(signsFrom, madeAt ?? 0) || Infinity);
    return { kid, alg, state, madeAt, signsFrom, endsAt };
  });
}
