import { createPrivateKey, createPublicKey, createSecretKey, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { parseStrictJson } from './strict-json.js';
import { isPublished, looksRandom, thumbprint } from './weak-keys.js';

export type Algorithm = 'HS256' | 'ES256' | 'RS256';
export type KeyMaterial = { secret: KeyObject } | { privateKey: KeyObject; publicKey: KeyObject };

/** One sound key of a set. */
export interface ReadKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly material: KeyMaterial;
  /** when it may begin to sign; until then it only verifies. ms */
  readonly signsFrom: number;
  /** when it was made, if the set says so; ms */
  readonly madeAt: number | undefined;
}

/** Every fault of a JWK Set; key material is never repeated in one. */
export class KeySetError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The signing keys cannot be used: ${faults.join('; ')}.`);
  }
}

const KID = /^[A-Za-z0-9_-]{1,64}$/;
/** A NumericDate (RFC 7519 section 2). */
const seconds = z.int().min(0);

/**
 * Reads a JWK Set (RFC 7517 section 5). Each key says its one algorithm, and its material must fit it, so that secrets
 * and key pairs may stand in one set (a change of algorithm needs that) without one being taken for the other.
 * @throws KeySetError with every fault of the set
 */
export function readJwkSet(text: string): ReadKey[] {
  const faults: string[] = [];
  const keys: ReadKey[] = [];
  const kids = new Set<string>();
  const prints = new Set<string>();
  readSet(text).forEach((jwk, index) => {
    const key = readKey(jwk);
    const fault =
      typeof key === 'string'
        ? key
        : kids.has(key.kid)
          ? 'repeats the kid of another key'
          : prints.has(key.print)
            ? 'is the same key as another one, under another kid'
            : undefined;
    if (fault !== undefined) faults.push(`key ${index + 1} ${fault}`);
    if (typeof key === 'string') return;
    kids.add(key.kid);
    prints.add(key.print);
    keys.push(key);
  });
  if (faults.length > 0) throw new KeySetError(faults);
  return keys;
}

/** @throws KeySetError */
function readSet(text: string): Record<string, unknown>[] {
  let json: unknown;
  try {
    json = parseStrictJson(Buffer.from(text), 8);
  } catch {
    throw new KeySetError(['is not JSON with each member once; expected a JWK Set {"keys":[…]}']);
  }
  const set = z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) }).safeParse(json);
  if (!set.success) throw new KeySetError(['is not a JWK Set with at least one key: {"keys":[…]}']);
  return set.data.keys;
}

/** @returns the key and its thumbprint, or what is wrong with it */
function readKey(jwk: Record<string, unknown>): (ReadKey & { print: string }) | string {
  const { kid, alg, use = 'sig', nbf = 0, iat } = jwk;
  if (typeof kid !== 'string' || !KID.test(kid)) return 'needs a "kid" of 1 to 64 letters, digits, - and _';
  if (use !== 'sig') return 'has another "use" than "sig"';
  if (!seconds.safeParse(nbf).success) return 'has an "nbf" that is not in whole seconds';
  if (!seconds.optional().safeParse(iat).success) return 'has an "iat" that is not in whole seconds';
  const material = readMaterial(jwk);
  if (typeof material === 'string') return material;
  const print = thumbprint(
    'secret' in material ? material.secret.export({ format: 'jwk' }) : material.publicKey.export({ format: 'jwk' }),
  );
  if (isPublished(print)) return 'is an example that everybody can read; `oncelink signing-keys rotate` makes a key';
  const madeAt = iat === undefined ? undefined : Number(iat) * 1000;
  return { kid, alg: alg as Algorithm, material, signsFrom: Number(nbf) * 1000, madeAt, print };
}

/** @returns the key, or what is wrong with it */
function readMaterial(jwk: Record<string, unknown>): KeyMaterial | string {
  const { alg, kty, crv, k, d } = jwk;
  const bytes = (member: unknown): Buffer => Buffer.from(typeof member === 'string' ? member : '', 'base64url');
  const NOT_RANDOM = 'is not random; `oncelink signing-keys rotate` makes a key';
  try {
    switch (alg) {
      case 'HS256': {
        // RFC 7518 section 3.2: a key at least as long as the hash.
        if (kty !== 'oct' || bytes(k).length < 32)
          return 'must be kty "oct" with at least 32 random bytes in "k" for HS256';
        return looksRandom(bytes(k)) ? { secret: createSecretKey(bytes(k)) } : NOT_RANDOM;
      }
      case 'ES256': {
        if (kty !== 'EC' || crv !== 'P-256') return 'must be kty "EC" with crv "P-256" for ES256';
        return looksRandom(bytes(d)) ? pair(jwk) : typeof d === 'string' ? NOT_RANDOM : 'is not a private key';
      }
      case 'RS256': {
        if (kty !== 'RSA') return 'must be kty "RSA" for RS256';
        const keys = pair(jwk);
        const { modulusLength = 0, publicExponent = 0n } = keys.publicKey.asymmetricKeyDetails ?? {};
        if (modulusLength < 3072) return 'must have at least 3072 bits for RS256';
        return publicExponent >= 65_537n ? keys : 'must have a public exponent of at least 65537 for RS256';
      }
      default:
        return 'needs an "alg" of HS256, ES256 or RS256';
    }
  } catch {
    return 'is not a usable private key';
  }
}

/** @throws if the halves do not belong together, which OpenSSL does not look at */
function pair(jwk: Record<string, unknown>): { privateKey: KeyObject; publicKey: KeyObject } {
  const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const proof = Buffer.from('these halves belong together');
  if (!verify('sha256', proof, publicKey, sign('sha256', proof, privateKey))) throw new Error('they do not');
  return { privateKey, publicKey };
}
