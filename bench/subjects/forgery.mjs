import { randomBytes } from 'node:crypto';

/** More than are ever under way at once, so that nobody can answer two at the price of one. */
const DIFFERENT = 1_000;

export function many(make) {
  return Array.from({ length: DIFFERENT }, make);
}

/** @returns the same token with a signature that somebody guessed */
export function forged(token) {
  return token.slice(0, token.lastIndexOf('.') + 1) + randomBytes(32).toString('base64url');
}
