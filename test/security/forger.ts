import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';

export type Json = Record<string, unknown>;

/** A JWK Set of one key of each algorithm; the service signs with the first. */
export function keySet(first: 'HS256' | 'ES256' | 'RS256'): { keys: Json[] } {
  const asymmetric = (pair: { privateKey: KeyObject }, alg: string): Json => ({
    ...pair.privateKey.export({ format: 'jwk' }),
    alg,
    kid: alg.toLowerCase(),
  });
  const keys: Json[] = [
    { kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'HS256', kid: 'hs256' },
    asymmetric(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ES256'),
    asymmetric(generateKeyPairSync('rsa', { modulusLength: 3072 }), 'RS256'),
  ];
  return { keys: keys.sort((a, b) => Number(b.alg === first) - Number(a.alg === first)) };
}

export const b64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');

/** Text as it is, anything else as JSON. */
const encode = (part: Json | string | Buffer): string =>
  b64(typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part));

/**
 * Whoever stole the signing keys: makes tokens out of any header and payload, rightly signed. What is refused
 * although it comes from here was refused by the gate, and not for want of a signature.
 */
export class Forger {
  constructor(private readonly set: { keys: Json[] }) {}

  jwk(alg: string): Json {
    return this.set.keys.find((key) => key.alg === alg)!;
  }

  private pair(alg: string): KeyObject {
    return createPrivateKey({ key: this.jwk(alg) as never, format: 'jwk' });
  }

  /** The public half, in the forms in which people hand keys around. */
  publicForms(alg: string): (string | Buffer)[] {
    const key = createPublicKey(this.pair(alg));
    const jwk = key.export({ format: 'jwk' });
    const pem = key.export({ type: 'spki', format: 'pem' }) as string;
    return [
      pem,
      pem.trimEnd(),
      pem.replaceAll('\n', '\r\n'),
      key.export({ type: 'spki', format: 'der' }),
      ...(alg === 'RS256' ? [key.export({ type: 'pkcs1', format: 'pem' }), Buffer.from(jwk.n!, 'base64url')] : []),
      JSON.stringify(jwk),
      JSON.stringify({ ...jwk, kid: this.jwk(alg).kid, alg, use: 'sig' }),
      ...(alg === 'ES256' ? [Buffer.from(jwk.x!, 'base64url')] : []),
    ];
  }

  /** The raw bytes of a signature, made as the service makes it. */
  signature(alg: string, input: string, kind: string, purpose: string): Buffer {
    if (alg === 'HS256') {
      const secret = Buffer.from(this.jwk(alg).k as string, 'base64url');
      const key = Buffer.from(hkdfSync('sha256', secret, '', `oncelink ${kind} ${purpose}`, 32));
      return createHmac('sha256', key).update(input).digest();
    }
    return sign('sha256', Buffer.from(input), { key: this.pair(alg), dsaEncoding: 'ieee-p1363' });
  }

  token(
    header: Json | string | Buffer,
    payload: Json | string | Buffer,
    { alg, kind = 'oncelink+jwt', purpose = 'password-reset' }: { alg: string; kind?: string; purpose?: string },
  ): string {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${b64(this.signature(alg, input, kind, purpose))}`;
  }
}

/** @returns the header and the claims, as they are */
export function contentOf(token: string): [header: Json, claims: Json] {
  return token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json) as [Json, Json];
}

/** HMAC-SHA256 with any secret, over any header and payload. */
export function hmacToken(header: Json, payload: Json, secret: string | Uint8Array, hash = 'sha256'): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`;
}
