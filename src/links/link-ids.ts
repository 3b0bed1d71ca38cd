import { randomFillSync } from 'node:crypto';
import type { Clock } from '../clock.js';

// In ASCII order, so that ids sort as text the way they were minted.
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX_LENGTH = 8;
const TICKS_PER_MS = 64;

/**
 * Mints link ids (= `jti`): 8 characters of time, then 128 random bits in base64url (OWASP ASVS 11.5.1).
 *
 * Why time first: random keys cost ever more per insert as the table grows, ordered ones do not; and
 * "newest first" and "minted since" become ranges of the primary key. The order is strict within a process,
 * across restarts (`startAfter`) and across a clock that steps back, because "superseded" means
 * "a newer one exists".
 */
export class LinkIds {
  private lastTick = 0;

  constructor(private readonly clock: Clock) {}

  next(): string {
    this.lastTick = Math.max(this.lastTick + 1, this.clock() * TICKS_PER_MS);
    return prefix(this.lastTick) + randomPart();
  }

  /** From now on every id sorts after `id`, which another instance made: its clock may be ahead, or have been. */
  startAfter(id: string): void {
    let tick = 0;
    for (const digit of id.slice(0, PREFIX_LENGTH)) tick = tick * DIGITS.length + DIGITS.indexOf(digit);
    this.lastTick = Math.max(this.lastTick, tick);
  }

  /** Sorts before every id minted at `ms` or later, and after every earlier one. */
  static floor(ms: number): string {
    return prefix(Math.max(0, ms) * TICKS_PER_MS);
  }
}

/** Random bytes are fetched for many ids at once: each call to the system costs more than all else about an id. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomPart(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.toString('base64url', used, (used += 16));
}

function prefix(tick: number): string {
  let text = '';
  for (let rest = tick; text.length < PREFIX_LENGTH; rest = Math.floor(rest / DIGITS.length)) {
    text = DIGITS[rest % DIGITS.length] + text;
  }
  return text;
}
