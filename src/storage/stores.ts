import type { LinkStore } from '../links/link-store.js';
import type { MessageStore } from '../links/message-store.js';
import { DataKeys } from './data-keys.js';
import type { Database } from './engines.js';
import { patiently } from './patiently.js';
import { Queries } from './queries.js';
import { SealedLinkStore } from './sealed-link-store.js';
import { SealedMessageStore } from './sealed-message-store.js';
import { SqlAppStore } from './sql-app-store.js';
import { SqlLinkStore } from './sql-link-store.js';
import { SqlMessageStore } from './sql-message-store.js';

/**
 * The store of links in this database; with keys it seals whom they are for.
 * @throws if what is stored was sealed by a key that is not there
 */
export async function openLinkStore(database: Database, keys: DataKeys | undefined): Promise<LinkStore> {
  await patiently(() => requireKeys(database, keys));
  const store = new SqlLinkStore(database);
  return keys ? new SealedLinkStore(store, keys) : store;
}

/** The same for messages; who was suppressed before there were keys stays so. */
export async function openMessageStore(database: Database, keys: DataKeys | undefined): Promise<MessageStore> {
  const store = new SqlMessageStore(database);
  if (!keys) return store;
  const sealed = new SealedMessageStore(store, keys);
  const apps = await patiently(() => new SqlAppStore(database).list());
  for (const { id } of apps) await patiently(() => sealed.adopt(id));
  return sealed;
}

/** The newest row tells: without its key, mails would have nowhere to go. */
async function requireKeys(database: Database, keys: DataKeys | undefined): Promise<void> {
  const [newest] = await new Queries(database).rows<{ id: string; recipient: string | null }>(
    'SELECT id, recipient FROM links WHERE id = (SELECT MAX(id) FROM links)',
    [],
  );
  const recipient = newest?.recipient ?? '';
  if (!DataKeys.isSealed(recipient) || keys?.open(recipient, `${newest!.id} recipient`) !== undefined) return;
  throw new Error(
    'Recipients are sealed by a key that is not in DATA_KEYS. Give it there, after the one that seals now.',
  );
}
