/** A calling application (tenant). */
export interface App {
  readonly id: string;
  /** what people read in the mails and on the pages */
  readonly name: string;
  /** exact; the first is where a link without its own `redirectUri` leads */
  readonly redirectUris: readonly string[];
  /** of buttons and links, `#rrggbb`; undefined: ours */
  readonly colour?: string;
  /** a picture in place of the name, as a `data:` URI */
  readonly logo?: string;
  /** who its mails come from; undefined: the service's sender */
  readonly from?: { readonly name: string; readonly address: string };
  /** where answers to its mails go */
  readonly replyTo?: string;
}

export const APP_ID = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

export const SCOPES = ['links:mint', 'links:return', 'links:redeem', 'links:read', 'links:revoke', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** What is stored of an API key: never the key. Times in milliseconds since the Unix epoch. */
export interface StoredApiKey {
  readonly id: string;
  readonly app: string;
  /** SHA-256 of the secret part, base64url; the secret has at least 128 bits, so a plain hash is enough */
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  /** the only ones it may be used for; null: all */
  readonly purposes: readonly string[] | null;
  readonly label: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** to the minute */
  readonly lastUsedAt: number | null;
}

export function isInForce({ revokedAt, expiresAt }: StoredApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/** Nest's token for the `AppStore` in force. */
export const APP_STORE = Symbol('APP_STORE');

/** Where apps and their keys live. A store that cannot answer rejects with `Unavailable`. */
export interface AppStore {
  find(id: string): Promise<App | undefined>;
  list(): Promise<App[]>;
  /** Creates the app or changes all of it but its keys. */
  save(app: App): Promise<void>;
  findKey(id: string): Promise<StoredApiKey | undefined>;
  listKeys(app: string): Promise<StoredApiKey[]>;
  /** Adds a key, or changes the one of that id; a revoked key stays revoked. */
  saveKey(key: StoredApiKey): Promise<void>;
  /** @returns whether there was such a key in force */
  revokeKey(id: string, now: number): Promise<boolean>;
  /** Notes that a key is in use, unless that was noted after `since` (by this instance or another). Times in ms. */
  noteKeyUse(id: string, now: number, since: number): Promise<void>;
}

/** Redirect URIs are compared as text, so what is registered must be absolute and unambiguous (RFC 9700 section 4.1). */
export function redirectUriFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not an absolute URI';
  const uri = new URL(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(uri.hostname);
  if (uri.protocol === 'http:' && !loopback) return 'must be https (plain http only for loopback)';
  if (['javascript:', 'data:', 'file:', 'vbscript:', 'blob:'].includes(uri.protocol))
    return 'has a scheme that cannot be redirected to';
  if (uri.hash !== '' || text.includes('#')) return 'must not have a fragment';
  if (uri.username || uri.password) return 'must not have credentials';
  if (OURS.some((name) => uri.searchParams.has(name))) return `must not use our own parameters: ${OURS.join(', ')}`;
  return undefined;
}

/** What is added to a redirect URI on the way back. */
const OURS = ['code', 'purpose', 'iss', 'token'];

/** @returns the registered text with parameters added; its own query is kept to the byte (RFC 6749 section 3.1.2) */
export function redirectTo(uri: string, parameters: Readonly<Record<string, string>>): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters).toString()}`;
}
