import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.js';
import { TokenInvalid } from './errors.js';
import type { KeyRing, SigningKey, TokenKind } from './key-ring.js';
import type { Link } from './link.js';
import { spellCode } from './one-time-code.js';
import { parseStrictJson } from './strict-json.js';

const MAX_LENGTH = 2048;
const THREE_PARTS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** Tolerated clock difference between instances, in seconds. */
const CLOCK_SKEW = 30;

/** What an authentic token says. Necessary, never sufficient: the row is the authority. */
export interface Proof {
  readonly id: string;
  readonly app: string;
  readonly purpose: string;
  /** the token's own `exp` has passed */
  readonly expired: boolean;
  /** a code that the confirm page issued after redeeming the link itself */
  readonly redeemedOnPage: boolean;
  /** whoever holds it has typed the one-time code of the requesting screen, which stands in for the verifier */
  readonly bound: boolean;
}

type Claims = Record<string, unknown>;

interface Header {
  readonly encoded: string;
  readonly alg: unknown;
  readonly kid: string;
  readonly typ: unknown;
}

/** Names and types. */
type Members = readonly (readonly [name: string, type: string])[];

const LINK_CLAIMS: Members = Object.entries({
  iss: 'string',
  aud: 'string',
  sub: 'string',
  jti: 'string',
  purpose: 'string',
  iat: 'integer',
  exp: 'integer',
});
const CODE_CLAIMS: Members = Object.entries({
  iss: 'string',
  aud: 'string',
  jti: 'string',
  purpose: 'string',
  redeemed: 'boolean',
  bound: 'boolean',
  iat: 'integer',
  exp: 'integer',
});
const REPORT_CLAIMS: Members = Object.entries({
  iss: 'string',
  aud: 'string',
  jti: 'string',
  purpose: 'string',
  iat: 'integer',
  exp: 'integer',
});
/** In seconds: mail is read late, and as long as it lies there somebody may wonder who asked for it. */
export const REPORT_LIFETIME = 30 * 86_400;

/**
 * Mints and reads the service's tokens: JWS compact serialisation (RFC 7515 section 3.1) with the claims of RFC 7519.
 * The only place that signs or verifies. jsonwebtoken alone accepts unknown `crit`, any `typ`, duplicate members and
 * non-canonical encodings, so a strict gate stands in front of it (RFC 8725).
 */
export class Tokens {
  private lastHeader: Header | undefined;

  /**
   * @param issuer the public URL, `iss` of every token
   * @param purposes the names in force; a token of any other purpose is invalid
   */
  constructor(
    private readonly ring: KeyRing,
    private readonly issuer: string,
    private readonly purposes: ReadonlySet<string>,
    private readonly clock: Clock,
  ) {}

  /** The link's token. It can be minted again from the row at any time, so it is never stored. */
  mintLink(link: Link): string {
    return this.sign('oncelink+jwt', link.purpose, {
      iss: this.issuer,
      aud: link.app,
      sub: link.subject,
      jti: link.id,
      purpose: link.purpose,
      iat: Math.floor(link.issuedAt / 1000),
      exp: Math.floor(link.expiresAt / 1000),
    });
  }

  /**
   * The code a browser carries from the confirm page to the app.
   * @param lifetime seconds; the code never outlives a link that is still to be redeemed
   * @param bound whether the one-time code of the requesting screen was typed
   */
  mintCode(link: Link, lifetime: number, bound: boolean): string {
    const now = Math.floor(this.clock() / 1000);
    const redeemed = link.redeemedAt !== null;
    const end = redeemed ? Infinity : Math.floor(link.expiresAt / 1000);
    return this.sign('oncelink-code+jwt', link.purpose, {
      iss: this.issuer,
      aud: link.app,
      jti: link.id,
      purpose: link.purpose,
      redeemed,
      bound,
      iat: now,
      exp: Math.min(now + lifetime, end),
    });
  }

  /** The token of a mail's "this wasn't me". It opens nothing but that. */
  mintReport(link: Link): string {
    const issued = Math.floor(link.issuedAt / 1000);
    return this.sign('oncelink-report+jwt', link.purpose, {
      iss: this.issuer,
      aud: link.app,
      jti: link.id,
      purpose: link.purpose,
      iat: issued,
      exp: issued + REPORT_LIFETIME,
    });
  }

  /** @throws TokenInvalid whatever is wrong with it, except that it has expired */
  readLink(token: string): Proof {
    return this.read(token, 'oncelink+jwt', LINK_CLAIMS);
  }

  /** @throws TokenInvalid whatever is wrong with it, except that it has expired */
  readCode(code: string): Proof {
    return this.read(code, 'oncelink-code+jwt', CODE_CLAIMS);
  }

  /** @throws TokenInvalid whatever is wrong with it, except that it has expired */
  readReport(token: string): Proof {
    return this.read(token, 'oncelink-report+jwt', REPORT_CLAIMS);
  }

  /** Ties the confirm page's form to the browser it was shown in, for browsers that send no Fetch Metadata. */
  formNonce(token: string): string {
    return this.signer.mac('form', token);
  }

  isFormNonce(token: string, nonce: string): boolean {
    return this.ring.keys.some((key) => equal(key.mac('form', token), nonce));
  }

  /** The link's short second form, for people to type. Like the token it follows from the row and is never stored. */
  oneTimeCode(id: string): string {
    return codeBy(this.signer, id);
  }

  isOneTimeCode(id: string, code: string): boolean {
    return this.ring.keys.some((key) => equal(codeBy(key, id), code));
  }

  private get signer(): SigningKey {
    return this.ring.signerAt(this.clock());
  }

  private sign(kind: TokenKind, purpose: string, claims: Claims): string {
    return this.signer.service(kind, purpose).sign(claims);
  }

  private read(token: string, kind: TokenKind, members: Members): Proof {
    if (token.length > MAX_LENGTH || !THREE_PARTS.test(token)) throw new TokenInvalid();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    if (!isCanonical(signature)) throw new TokenInvalid();
    const key = this.keyFor(header, kind);
    const claims = readPart(payload);
    if (typeof claims.purpose !== 'string' || !this.purposes.has(claims.purpose)) throw new TokenInvalid();
    if (!key.verifies(kind, claims.purpose, token)) throw new TokenInvalid();
    this.checkClaims(claims, members);
    return {
      id: claims.jti as string,
      app: claims.aud as string,
      purpose: claims.purpose,
      expired: (claims.exp as number) * 1000 <= this.clock(),
      redeemedOnPage: claims.redeemed === true,
      bound: claims.bound === true,
    };
  }

  /** The algorithm is the key's, never the token's. */
  private keyFor(encoded: string, kind: TokenKind): SigningKey {
    // Nearly all tokens have the header of the good one before; the key may have left the ring since.
    const header = encoded === this.lastHeader?.encoded ? this.lastHeader : readHeader(encoded);
    const key = this.ring.find(header.kid);
    if (!key || header.alg !== key.alg || header.typ !== kind) throw new TokenInvalid();
    this.lastHeader = header;
    return key;
  }

  private checkClaims(claims: Claims, members: Members): void {
    const complete =
      Object.keys(claims).length === members.length && members.every(([name, type]) => hasType(claims[name], type));
    const now = this.clock() / 1000;
    if (!complete || claims.iss !== this.issuer || (claims.iat as number) > now + CLOCK_SKEW) throw new TokenInvalid();
  }
}

function codeBy(key: SigningKey, id: string): string {
  return spellCode(Buffer.from(key.mac('one-time code', id), 'base64url'));
}

/** In constant time for texts of one length. */
function equal(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Exactly `alg`, `kid` and `typ`: so no `crit`, `jku`, `jwk`, `x5u`. */
function readHeader(encoded: string): Header {
  const { alg, kid, typ, ...others } = readPart(encoded);
  if (typeof kid !== 'string' || Object.keys(others).length > 0) throw new TokenInvalid();
  return { encoded, alg, kid, typ };
}

/**
 * One spelling per token (RFC 4648 section 3.5): whether the bits of the last character that belong to no byte are zero,
 * and there is a byte to what is left over of the last four. @param part base64url characters only
 */
function isCanonical(part: string): boolean {
  const last = part.at(-1)!;
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return 'AQgw'.includes(last);
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last);
    default:
      return false;
  }
}

/** A JSON object in base64url. */
function readPart(part: string): Claims {
  if (!isCanonical(part)) throw new TokenInvalid();
  try {
    const value = parseStrictJson(Buffer.from(part, 'base64url'), 2);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  } catch {
    // one answer for all
  }
  throw new TokenInvalid();
}

function hasType(value: unknown, type: string): boolean {
  return type === 'integer' ? Number.isSafeInteger(value) : typeof value === type;
}
