import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { throws } from './expected-error.js';
import { readJwkSet, type Algorithm, type KeyMaterial, type ReadKey } from './jwk-set.js';

/** What a token is: a mailed link, the code a browser carries to the app, or the mail's "this wasn't me". The JWS `typ` (RFC 8725 section 3.11). */
export type TokenKind = 'oncelink+jwt' | 'oncelink-code+jwt' | 'oncelink-report+jwt';

/** A key as it serves one kind of token and purpose. */
interface Use {
  readonly service: JwtService;
  /** of HMAC */
  readonly secret: KeyObject | undefined;
}

/**
 * One key of the ring. An HMAC secret is never used itself: each kind of token and purpose has its own key
 * derived from it (HKDF, RFC 5869), so that a token of one purpose does not verify as another.
 */
export class SigningKey {
  private readonly uses = new Map<string, Use>();
  /** the last token was forged, and forgeries come in floods */
  private wary = false;
  readonly kid: string;
  readonly alg: Algorithm;
  /** until then it only verifies; ms */
  readonly signsFrom: number;
  /** ms, if its set says so */
  readonly madeAt: number | undefined;
  private readonly material: KeyMaterial;

  constructor({ kid, alg, material, signsFrom, madeAt }: ReadKey) {
    this.kid = kid;
    this.alg = alg;
    this.material = material;
    this.signsFrom = signsFrom;
    this.madeAt = madeAt;
  }

  /** @returns the signer and verifier for one kind of token and purpose, made once */
  service(kind: TokenKind, purpose: string): JwtService {
    return this.useFor(kind, purpose).service;
  }

  /**
   * Whether this key signed the token. The library has the last word; but it reads the whole token once more before it
   * hashes, and that takes longer than the hash. So after one forged MAC the next tokens are hashed first.
   */
  verifies(kind: TokenKind, purpose: string, token: string): boolean {
    const { service, secret } = this.useFor(kind, purpose);
    if (this.wary && secret !== undefined && !hasMac(secret, token)) return false;
    this.wary = throws(() => service.verify(token));
    return !this.wary;
  }

  /** @returns a MAC for our own pages, under a key of its own */
  mac(label: string, message: string): string {
    const secret =
      'secret' in this.material
        ? this.material.secret.export()
        : this.material.privateKey.export({ type: 'pkcs8', format: 'der' });
    const key = Buffer.from(hkdfSync('sha256', secret, '', `oncelink mac ${label}`, 32));
    return createHmac('sha256', key).update(message).digest('base64url');
  }

  /** @returns the public JWK (RFC 7517), or undefined for a shared secret */
  publicJwk(): Record<string, unknown> | undefined {
    if ('secret' in this.material) return undefined;
    return { ...this.material.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' };
  }

  private useFor(kind: TokenKind, purpose: string): Use {
    const label = `${kind} ${purpose}`;
    let use = this.uses.get(label);
    if (!use) {
      const secret = 'secret' in this.material ? this.derive(label) : undefined;
      const service = new JwtService({
        ...(secret ? { secret } : this.material),
        signOptions: { algorithm: this.alg, keyid: this.kid, header: { alg: this.alg, typ: kind } },
        // Times are judged by our own clock and rules, after the signature.
        verifyOptions: { algorithms: [this.alg], ignoreExpiration: true, ignoreNotBefore: true },
      });
      this.uses.set(label, (use = { service, secret }));
    }
    return use;
  }

  private derive(label: string): KeyObject {
    const secret = (this.material as { secret: KeyObject }).secret.export();
    return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `oncelink ${label}`, 32)));
  }
}

/** RFC 7515 section 5.2: of what stands before the last dot, compared in constant time. */
function hasMac(secret: KeyObject, token: string): boolean {
  const end = token.lastIndexOf('.');
  const mac = createHmac('sha256', secret).update(token.slice(0, end)).digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  return given.length === mac.length && timingSafeEqual(given, mac);
}

/**
 * The keys in force: all verify, and the first whose time has come signs. A new key that waits for its time is known to
 * every instance before the first token is signed with it. The set can be changed while tokens are minted and read.
 */
export class KeyRing {
  private byKid: ReadonlyMap<string, SigningKey>;

  constructor(private held: readonly [SigningKey, ...SigningKey[]]) {
    this.byKid = byKid(held);
  }

  get keys(): readonly [SigningKey, ...SigningKey[]] {
    return this.held;
  }

  /** @param now ms; when no key's time has come yet, the last one signs all the same */
  signerAt(now: number): SigningKey {
    const { held } = this;
    return held.find(({ signsFrom }) => signsFrom <= now) ?? held.at(-1)!;
  }

  /** `kid` is attacker input: looked up in memory, nothing else. */
  find(kid: string): SigningKey | undefined {
    return this.byKid.get(kid);
  }

  /** @returns the public half as a JWK Set; empty for shared secrets */
  publicJwks(): { keys: Record<string, unknown>[] } {
    return { keys: this.keys.map((key) => key.publicJwk()).filter((jwk) => jwk !== undefined) };
  }

  /** Puts the keys of another ring in the place of these: what only these signed is void from now on. */
  replaceBy({ held }: KeyRing): void {
    this.held = held;
    this.byKid = byKid(held);
  }

  /**
   * Reads a JWK Set (RFC 7517 section 5).
   * @throws KeySetError with every fault of the set
   */
  static fromJwks(text: string): KeyRing {
    const keys = readJwkSet(text).map((key) => new SigningKey(key));
    return new KeyRing(keys as [SigningKey, ...SigningKey[]]);
  }
}

function byKid(keys: readonly SigningKey[]): ReadonlyMap<string, SigningKey> {
  return new Map(keys.map((key) => [key.kid, key]));
}
