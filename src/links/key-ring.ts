import { createHmac, createPrivateKey, createPublicKey, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { z } from 'zod';

export type Algorithm = 'HS256' | 'ES256' | 'RS256';
/** What a token is: a mailed link, or the code a browser carries to the app. The JWS `typ` (RFC 8725 section 3.11). */
export type TokenKind = 'oncelink+jwt' | 'oncelink-code+jwt';

const KID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * One key of the ring. An HMAC secret is never used itself: each kind of token and purpose has its own key
 * derived from it (HKDF, RFC 5869), so that a token of one purpose does not verify as another.
 */
export class SigningKey {
  private readonly services = new Map<string, JwtService>();

  constructor(
    readonly kid: string,
    readonly alg: Algorithm,
    private readonly material: { secret: KeyObject } | { privateKey: KeyObject; publicKey: KeyObject },
  ) {}

  /** @returns the signer and verifier for one kind of token and purpose, made once */
  service(kind: TokenKind, purpose: string): JwtService {
    const label = `${kind} ${purpose}`;
    let service = this.services.get(label);
    if (!service) {
      const keys = 'secret' in this.material ? { secret: this.derive(label) } : this.material;
      service = new JwtService({
        ...keys,
        signOptions: { algorithm: this.alg, keyid: this.kid, header: { alg: this.alg, typ: kind } },
        // Times are judged by our own clock and rules, after the signature.
        verifyOptions: { algorithms: [this.alg], ignoreExpiration: true, ignoreNotBefore: true },
      });
      this.services.set(label, service);
    }
    return service;
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

  private derive(label: string): KeyObject {
    const secret = (this.material as { secret: KeyObject }).secret.export();
    return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `oncelink ${label}`, 32)));
  }
}

/** The keys in force: the first signs, all verify. */
export class KeyRing {
  private readonly byKid: ReadonlyMap<string, SigningKey>;

  constructor(readonly keys: readonly [SigningKey, ...SigningKey[]]) {
    this.byKid = new Map(keys.map((key) => [key.kid, key]));
  }

  get signer(): SigningKey {
    return this.keys[0];
  }

  /** `kid` is attacker input: looked up in memory, nothing else. */
  find(kid: string): SigningKey | undefined {
    return this.byKid.get(kid);
  }

  /** @returns the public half as a JWK Set; empty for shared secrets */
  publicJwks(): { keys: Record<string, unknown>[] } {
    return { keys: this.keys.map((key) => key.publicJwk()).filter((jwk) => jwk !== undefined) };
  }

  /**
   * Reads a JWK Set (RFC 7517 section 5).
   * @throws KeySetError with every fault of the set
   */
  static fromJwks(text: string): KeyRing {
    const faults: string[] = [];
    const keys: SigningKey[] = [];
    readSet(text).forEach((jwk, index) => {
      const key = readKey(jwk);
      if (typeof key === 'string') faults.push(`key ${index + 1} ${key}`);
      else if (keys.some((other) => other.kid === key.kid))
        faults.push(`key ${index + 1} repeats the kid of another key`);
      else keys.push(key);
    });
    if (faults.length > 0) throw new KeySetError(faults);
    return new KeyRing(keys as [SigningKey, ...SigningKey[]]);
  }
}

/** Every fault of a JWK Set; key material is never repeated in one. */
export class KeySetError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The signing keys cannot be used: ${faults.join('; ')}.`);
  }
}

/** @throws KeySetError */
function readSet(text: string): Record<string, unknown>[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new KeySetError(['is not JSON; expected a JWK Set {"keys":[…]}']);
  }
  const set = z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) }).safeParse(json);
  if (!set.success) throw new KeySetError(['is not a JWK Set with at least one key: {"keys":[…]}']);
  return set.data.keys;
}

/** @returns the key, or what is wrong with it */
function readKey(jwk: Record<string, unknown>): SigningKey | string {
  const { kid, alg, kty } = jwk;
  if (typeof kid !== 'string' || !KID.test(kid)) return 'needs a "kid" of 1 to 64 letters, digits, - and _';
  try {
    switch (alg) {
      case 'HS256': {
        // RFC 7518 section 3.2: a key at least as long as the hash.
        const secret = kty === 'oct' && typeof jwk.k === 'string' ? Buffer.from(jwk.k, 'base64url') : Buffer.alloc(0);
        if (secret.length < 32) return 'must be kty "oct" with at least 32 random bytes in "k" for HS256';
        if (new Set(secret).size < 12) return 'is not random: its bytes hardly differ';
        return new SigningKey(kid, alg, { secret: createSecretKey(secret) });
      }
      case 'ES256': {
        if (kty !== 'EC' || jwk.crv !== 'P-256') return 'must be kty "EC" with crv "P-256" for ES256';
        return new SigningKey(kid, alg, pair(jwk));
      }
      case 'RS256': {
        if (kty !== 'RSA') return 'must be kty "RSA" for RS256';
        const keys = pair(jwk);
        if ((keys.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < 3072)
          return 'must have at least 3072 bits for RS256';
        return new SigningKey(kid, alg, keys);
      }
      default:
        return 'needs an "alg" of HS256, ES256 or RS256';
    }
  } catch {
    return 'is not a usable private key';
  }
}

function pair(jwk: Record<string, unknown>): { privateKey: KeyObject; publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
