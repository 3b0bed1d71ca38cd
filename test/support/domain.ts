import { randomBytes } from 'node:crypto';
import type { App } from '../../src/apps/app.js';
import { KeyRing } from '../../src/links/key-ring.js';
import { Limits } from '../../src/links/limits.js';
import { LinkIds } from '../../src/links/link-ids.js';
import type { LinkStore } from '../../src/links/link-store.js';
import { Links } from '../../src/links/links.service.js';
import type { AnyPurpose, NotificationPurpose, Purpose } from '../../src/links/purpose.js';
import { Tokens } from '../../src/links/tokens.js';
import { Refusal } from '../../src/links/errors.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlAppStore } from '../../src/storage/sql-app-store.js';
import { SqlLinkStore } from '../../src/storage/sql-link-store.js';
import { SqlMessageStore } from '../../src/storage/sql-message-store.js';
import { HandSetClock } from '../../src/testing/hand-set-clock.js';

const NO_LIMITS = { cooldown: 0, perRecipient: [], perSubject: [], perClient: [] };
/** A purpose with the defaults, and no limits. */
export const purposeOf = (name: string, change: Partial<Purpose> = {}): Purpose => ({
  name,
  kind: 'link',
  expiresIn: { default: 600, min: 1, max: 3600 },
  deliverWithin: 120,
  limits: NO_LIMITS,
  templateData: {},
  reissue: 'supersede',
  redeemOn: 'app',
  landing: 'hosted',
  codeLifetime: 300,
  binding: 'optional',
  renew: true,
  pauseAfterReport: 86_400,
  oneTimeCode: 'none',
  ...change,
});
export const NOTICE: NotificationPurpose = {
  name: 'notice',
  kind: 'notification',
  deliverWithin: 60,
  limits: NO_LIMITS,
  templateData: {},
};

export const APP: App = { id: 'shop', name: 'Shop', redirectUris: ['https://shop.example.com/back?x=1'] };
export const OTHER_APP: App = { id: 'other', name: 'Other', redirectUris: [] };
export const START = 1_800_000_000_000;

/** The domain on a real store in memory, without a service around it; the clock stands still until it is set. */
export async function openDomain(...purposes: Purpose[]) {
  const database = await openWithSchema({ url: 'sqlite::memory:', migrate: true });
  const clock = new HandSetClock(START);
  const store = new SqlLinkStore(database);
  const messages = new SqlMessageStore(database);
  const apps = new SqlAppStore(database);
  const key = { kty: 'oct', alg: 'HS256', kid: 'key-1', k: randomBytes(32).toString('base64url') };
  const ring = KeyRing.fromJwks(JSON.stringify({ keys: [key] }));
  const byName = new Map(purposes.map((purpose) => [purpose.name, purpose]));
  const limits = new Limits(new Map<string, AnyPurpose>([...byName, [NOTICE.name, NOTICE]]));
  const tokens = new Tokens(ring, 'https://links.example.com', new Set(byName.keys()), clock.now);
  const ids = new LinkIds(clock.now);
  const heard = { queued: 0 };
  const onQueued = (): void => void (heard.queued += 1);
  /** @param on a store of the test's own making */
  const linksOn = (on: LinkStore): Links =>
    new Links(on, tokens, byName, limits, ids, 'https://links.example.com', clock.now, onQueued);
  const links = linksOn(store);
  let people = 0;
  /** A body for a person of its own. */
  const body = (purpose: string, change: object = {}) => {
    people += 1;
    return { purpose, recipient: `person-${people}@example.com`, subject: `user_${people}`, ...change };
  };
  return {
    database,
    clock,
    store,
    messages,
    apps,
    purposes: byName,
    limits,
    tokens,
    ids,
    links,
    linksOn,
    onQueued,
    /** how many mails were queued so far */
    queued: () => heard.queued,
    body,
    mint: (purpose: string, change: object = {}, key?: string) => links.mint(APP, body(purpose, change), key),
    /** @returns what only whoever gets the link may know */
    mintToken: async (purpose: string, change: object = {}) => {
      const { link, token } = await links.mint(APP, body(purpose, { delivery: 'return', ...change }));
      return { id: link.id, token: token!, subject: link.subject };
    },
    /** Back to the beginning: quicker than a new database. */
    reset: async (): Promise<void> => {
      for (const table of ['links', 'suppressions', 'apps']) await database.dataSource.query(`DELETE FROM ${table}`);
      Object.assign(clock, { time: START });
      heard.queued = 0;
    },
    close: () => database.dataSource.destroy(),
  };
}
/** A store that answers one question in its own way, and the others as the real one does. */
export const storeWith = <Store extends object>(store: Store, answers: Partial<Store>): Store =>
  Object.assign(Object.create(store) as Store, answers);

export type Domain = Awaited<ReturnType<typeof openDomain>>;

/** The code of the refusal, or what came instead. */
export const refusalOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.catch((error: unknown) => {
    if (error instanceof Refusal) return error.code;
    throw error;
  });
