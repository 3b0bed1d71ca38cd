import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { looksRandom } from '../links/weak-keys.js';

/** Neither an address nor JSON begins like this. */
export const SEALED = 'sealed:';
const ID = /^[A-Za-z0-9]{1,16}$/;
/** Before the id of a key that only opens. */
const OPENS_ONLY = '+';
const IV = 12;
const TAG = 16;

/**
 * Keys for personal data at rest: AES-256-GCM with a random nonce (NIST SP 800-38D), and a keyed hash to look it up by.
 * The first key without a `+` seals, every key opens. The last makes the look-up hash, so that new keys in front change
 * nothing about what is found; it stays in the list.
 */
export class DataKeys {
  /** What an instance has that was given none: it seals and blinds nothing, and opens nothing that another one sealed. */
  static readonly none = new DataKeys([], undefined);

  private readonly byId: ReadonlyMap<string, KeyObject>;
  private readonly sealer: string | undefined;
  private readonly index: Buffer | undefined;

  private constructor(keys: readonly (readonly [id: string, bytes: Buffer])[], sealer: string | undefined) {
    const last = keys.at(-1)?.[1];
    this.byId = new Map(keys.map(([id, bytes]) => [id, createSecretKey(bytes)]));
    this.sealer = sealer;
    this.index = last && Buffer.from(hkdfSync('sha256', last, '', 'oncelink blind index', 32));
  }

  /**
   * @param text `<id>:<base64 of 32 random bytes>`, comma-separated; one with a `+` before it only opens, so that every
   *   instance can know a key before any seals with it
   * @returns undefined if it is not that
   */
  static parse(text: string): DataKeys | undefined {
    const keys = text.split(',').map((entry) => {
      const [name = '', ...rest] = entry.trim().split(':');
      const opensOnly = name.startsWith(OPENS_ONLY);
      return { opensOnly, id: name.slice(Number(opensOnly)), bytes: Buffer.from(rest.join(':'), 'base64') };
    });
    const fits = keys.every(({ id, bytes }) => ID.test(id) && bytes.length === 32 && looksRandom(bytes));
    const sealer = keys.find(({ opensOnly }) => !opensOnly);
    if (!fits || !sealer || new Set(keys.map(({ id }) => id)).size !== keys.length) return undefined;
    return new DataKeys(
      keys.map(({ id, bytes }) => [id, bytes] as const),
      sealer.id,
    );
  }

  get areNone(): boolean {
    return this.sealer === undefined;
  }

  /** How a text begins that one of these keys sealed; letters, digits and colons. */
  get prefixes(): string[] {
    return Array.from(this.byId.keys(), (id) => `${SEALED}${id}:`);
  }

  /** Whether a text was sealed by a key that is not among these. */
  isForeign(text: string): boolean {
    return DataKeys.isSealed(text) && !this.byId.has(text.split(':')[1]!);
  }

  /** @param place where the text stands: moved elsewhere, it does not open */
  seal(text: string, place: string): string {
    if (this.sealer === undefined) return text;
    const iv = randomBytes(IV);
    const cipher = createCipheriv('aes-256-gcm', this.byId.get(this.sealer)!, iv).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${SEALED}${this.sealer}:${sealed.toString('base64url')}`;
  }

  /** @returns the text; what was never sealed is given back as it is; undefined if no key opens it */
  open(text: string, place: string): string | undefined {
    if (!DataKeys.isSealed(text)) return text;
    const [, id = '', body = ''] = text.split(':');
    const key = this.byId.get(id);
    if (!key) return undefined;
    const bytes = Buffer.from(body, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
        .setAAD(Buffer.from(place))
        .setAuthTag(bytes.subarray(-TAG));
      return Buffer.concat([decipher.update(bytes.subarray(IV, -TAG)), decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  static isSealed(text: string): boolean {
    return text.startsWith(SEALED);
  }

  /** The form in which a look-up key is stored: of no use for guessing without the key. */
  blind(key: string): string {
    if (this.index === undefined) return key;
    return createHmac('sha256', this.index).update(key).digest('base64url').slice(0, 22);
  }
}
