import { generateKeyPair, randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Algorithm } from './jwk-set.js';

/** A private key as it stands in a JWK Set (RFC 7517), with the time it was made. */
export type Jwk = Record<string, unknown> & { readonly kid: string; readonly alg: Algorithm };

/** @param now ms */
export async function newKey(alg: Algorithm, now: number): Promise<Jwk> {
  const facts = { kid: randomUUID().slice(0, 8), alg, use: 'sig', iat: Math.floor(now / 1000) };
  return { ...facts, ...(await newMaterial(alg)) };
}

async function newMaterial(alg: Algorithm): Promise<Record<string, unknown>> {
  const generate = promisify(generateKeyPair);
  switch (alg) {
    case 'HS256':
      return { kty: 'oct', k: randomBytes(32).toString('base64url') };
    case 'ES256':
      return { ...(await generate('ec', { namedCurve: 'P-256' })).privateKey.export({ format: 'jwk' }) };
    case 'RS256':
      return { ...(await generate('rsa', { modulusLength: 3072 })).privateKey.export({ format: 'jwk' }) };
  }
}
