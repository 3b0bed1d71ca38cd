import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { App, AppStore, Scope, StoredApiKey } from './app.js';

/** `olk_<id>_<secret>`: the fixed prefix lets secret scanners find leaked keys. */
const API_KEY = /^olk_([A-Za-z0-9]{1,40})_([A-Za-z0-9_-]{20,200})$/;
/** How long a verified key is remembered, in ms: a revoked key works at most this much longer. */
const REMEMBER = 500;

export interface Caller {
  readonly app: App;
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Makes and checks API keys. Only hashes are stored. */
export class ApiKeys {
  private readonly remembered = new Map<string, { caller: Promise<Caller | undefined>; since: number }>();

  constructor(
    private readonly store: AppStore,
    private readonly clock: Clock,
  ) {}

  /** @returns who calls, or undefined for a key that is malformed, unknown or revoked */
  async authenticate(key: string): Promise<Caller | undefined> {
    const now = this.clock();
    const known = this.remembered.get(key);
    // Looked at both ways: a clock that steps back must not make the memory longer.
    if (known && Math.abs(now - known.since) < REMEMBER) return known.caller;
    // Whoever comes meanwhile waits for the same answer: a crowd of requests is one question.
    const caller = this.lookUp(key);
    if (this.remembered.size >= 10_000) this.remembered.clear();
    this.remembered.set(key, { caller, since: now });
    const found = await caller.catch(() => undefined);
    if (!found && this.remembered.get(key)?.caller === caller) this.remembered.delete(key);
    return caller;
  }

  private async lookUp(key: string): Promise<Caller | undefined> {
    const [, id, secret] = API_KEY.exec(key) ?? [];
    const stored = id && (await this.store.findKey(id));
    if (!stored || !timingSafeEqual(Buffer.from(hashSecret(secret!)), Buffer.from(stored.secretHash))) return undefined;
    const app = stored.revokedAt === null ? await this.store.find(stored.app) : undefined;
    return app && { app, keyId: stored.id, scopes: new Set(stored.scopes) };
  }

  /** Makes a key with 160 random bits. @returns the key: shown this once, never stored */
  async create(app: string, scopes: readonly Scope[], label: string): Promise<{ id: string; key: string }> {
    const id = randomBytes(8).toString('hex');
    const key = `olk_${id}_${randomBytes(20).toString('hex')}`;
    await this.adopt(key, app, scopes, label);
    return { id, key };
  }

  /** Stores a key that somebody else made (the bootstrap key of the settings), by its hash. */
  async adopt(key: string, app: string, scopes: readonly Scope[], label: string): Promise<void> {
    const [, id, secret] = API_KEY.exec(key)!;
    const stored: StoredApiKey = {
      id: id!,
      app,
      secretHash: hashSecret(secret!),
      scopes,
      label,
      createdAt: this.clock(),
      revokedAt: null,
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
