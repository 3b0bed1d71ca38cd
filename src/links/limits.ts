import { RateLimited } from './errors.js';
import type { Link } from './link.js';
import { LinkIds } from './link-ids.js';
import type { MintGuard, MintRecord, Window } from './link-store.js';
import type { AnyPurpose } from './purpose.js';

/** What the store has to see to for this mint. */
export function guardOf(purpose: AnyPurpose, link: Link): MintGuard {
  const { cooldown } = purpose.limits;
  return {
    quietSince: link.via === 'email' && cooldown > 0 ? since(link.createdAt, cooldown) : null,
    windows: windowsOf(purpose, link.createdAt),
  };
}

export function windowsOf(purpose: AnyPurpose, now: number): Window[] {
  return purpose.limits.perRecipient.map(({ window, count }) => ({ from: since(now, window), count }));
}

/** @returns the id from which on mints count, for the longest of the purpose's limits */
export function longestReach(purpose: AnyPurpose, now: number): string {
  const { cooldown, perRecipient } = purpose.limits;
  return since(now, Math.max(cooldown, ...perRecipient.map(({ window }) => window)));
}

/**
 * Explains a refused mint: when the last of the limits that it ran into makes room again.
 * @param mints what was minted to the recipient, newest first
 */
export function explainLimit(link: Link, { limits }: AnyPurpose, mints: readonly MintRecord[]): RateLimited {
  const now = link.createdAt;
  const free = [now];
  const alike = mints.filter(({ kind }) => kind === link.kind);
  const lastMail = link.via === 'email' && alike.find((mint) => mint.via === 'email' && mint.purpose === link.purpose);
  if (lastMail) free.push(lastMail.createdAt + limits.cooldown * 1000);
  const sends = alike.flatMap((mint) => Array<number>(1 + mint.resends).fill(mint.createdAt));
  for (const { window, count } of limits.perRecipient) {
    // When the send that fills the quota leaves the window, there is room for one more.
    const filling = sends[count - 1];
    if (filling !== undefined) free.push(filling + window * 1000);
  }
  return new RateLimited(Math.max(1, Math.ceil((Math.max(...free) - now) / 1000)));
}

function since(now: number, seconds: number): string {
  return LinkIds.floor(now - seconds * 1000 + 1);
}
