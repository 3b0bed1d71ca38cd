import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.js';
import { isInForce, type App, type AppStore, type Scope, type StoredApiKey } from './app.js';

/** `olk_<id>_<secret>`: the fixed prefix lets secret scanners find leaked keys. */
const API_KEY = /^olk_([A-Za-z0-9]{1,40})_([A-Za-z0-9_-]{20,200})$/;
/** How long a verified key is remembered, in ms: a revoked or expired key works at most this much longer. */
const REMEMBER = 500;
/** From this age on, in ms, it is looked up anew while it still serves: nobody has to wait for what the database is busy with. */
const RENEW = 250;
/** The last use is known to this many ms: whoever looks for forgotten keys needs no more, and a write costs a flush. */
const NOTE_USE_EVERY = 60_000;

export interface Caller {
  readonly app: App;
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** the only ones the key may be used for; undefined: all */
  readonly purposes: ReadonlySet<string> | undefined;
}

/** What narrows a key down besides its scopes. */
export interface KeyLimits {
  /** ms since the Unix epoch */
  readonly expiresAt?: number;
  readonly purposes?: readonly string[];
}

interface Memory {
  readonly answer: Promise<Caller | undefined>;
  readonly since: number;
  /** the answer, once it is there */
  caller: Caller | undefined;
  isRenewed: boolean;
}

/** Makes and checks API keys. Only hashes are stored. */
export class ApiKeys {
  private readonly remembered = new Map<string, Memory>();

  constructor(
    private readonly store: AppStore,
    private readonly clock: Clock,
  ) {}

  /** @returns who calls, or undefined for a key that is malformed, unknown, expired or revoked; at once where it is remembered */
  authenticate(key: string): Caller | Promise<Caller | undefined> {
    const now = this.clock();
    const known = this.remembered.get(key);
    // Looked at both ways: a clock that steps back must not make the memory longer.
    const age = known && Math.abs(now - known.since);
    if (!known || age! >= REMEMBER) return this.ask(key, now);
    if (age! >= RENEW && known.caller && !known.isRenewed) void this.renew(key, known, now);
    return known.caller ?? known.answer;
  }

  private async renew(key: string, known: Memory, now: number): Promise<void> {
    known.isRenewed = true;
    const answer = this.lookUp(key, now);
    try {
      const caller = await answer;
      if (this.remembered.get(key) !== known) return;
      if (caller) this.remembered.set(key, { answer, since: now, caller, isRenewed: false });
      else this.remembered.delete(key);
    } catch {
      // The memory runs out, and whoever comes then asks again.
    }
  }

  private async ask(key: string, now: number): Promise<Caller | undefined> {
    // Whoever comes meanwhile waits for the same answer: a crowd of requests is one question.
    const memory: Memory = { answer: this.lookUp(key, now), since: now, caller: undefined, isRenewed: false };
    if (this.remembered.size >= 10_000) this.remembered.clear();
    this.remembered.set(key, memory);
    memory.caller = await memory.answer.catch(() => undefined);
    if (!memory.caller && this.remembered.get(key) === memory) this.remembered.delete(key);
    return memory.answer;
  }

  private async lookUp(key: string, now: number): Promise<Caller | undefined> {
    const [, id, secret] = API_KEY.exec(key) ?? [];
    const stored = id && (await this.store.findKey(id));
    if (!stored || !timingSafeEqual(Buffer.from(hashSecret(secret!)), Buffer.from(stored.secretHash))) return undefined;
    const app = isInForce(stored, now) ? await this.store.find(stored.app) : undefined;
    if (!app) return undefined;
    // Nobody waits for it, and no request fails for it.
    if (now - (stored.lastUsedAt ?? 0) >= NOTE_USE_EVERY)
      this.store.noteKeyUse(stored.id, now, now - NOTE_USE_EVERY).catch(() => {});
    const purposes = stored.purposes ? new Set(stored.purposes) : undefined;
    return { app, keyId: stored.id, scopes: new Set(stored.scopes), purposes };
  }

  /** Makes a key with 160 random bits. @returns the key: shown this once, never stored */
  async create(
    app: string,
    scopes: readonly Scope[],
    label: string,
    limits?: KeyLimits,
  ): Promise<{ id: string; key: string }> {
    const id = randomBytes(8).toString('hex');
    const key = `olk_${id}_${randomBytes(20).toString('hex')}`;
    await this.adopt(key, app, scopes, label, limits);
    return { id, key };
  }

  /** Stores a key that somebody else made (the bootstrap key of the settings), by its hash. */
  async adopt(
    key: string,
    app: string,
    scopes: readonly Scope[],
    label: string,
    { expiresAt, purposes }: KeyLimits = {},
  ): Promise<void> {
    const [, id, secret] = API_KEY.exec(key)!;
    const stored: StoredApiKey = {
      id: id!,
      app,
      secretHash: hashSecret(secret!),
      scopes,
      purposes: purposes ?? null,
      label,
      createdAt: this.clock(),
      expiresAt: expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
    };
    await this.store.saveKey(stored);
  }

  static isWellFormed(key: string): boolean {
    return API_KEY.test(key);
  }
}

function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
