import type { LinkStore } from '../links/link-store.js';
import type { MessageStore } from '../links/message-store.js';
import { addressKey, recipientKey } from '../links/recipient.js';
import { DataKeys } from './data-keys.js';
import type { Database } from './engines.js';
import { linkStatements } from './link-statements.js';
import { patiently } from './patiently.js';
import { Queries } from './queries.js';
import { SealedLinkStore } from './sealed-link-store.js';
import { isOpenable, isSealed } from './sealed-rows.js';
import { SealedMessageStore } from './sealed-message-store.js';
import { SqlAppStore } from './sql-app-store.js';
import { SqlLinkStore } from './sql-link-store.js';
import { SqlMessageStore } from './sql-message-store.js';

/**
 * The store of links in this database; with keys it seals whom they are for, and what other instances sealed by keys that
 * it has not it leaves to them.
 * @throws if what is stored was sealed by a key that is not there
 */
export async function openLinkStore(database: Database, keys = DataKeys.none): Promise<LinkStore> {
  await patiently(() => requireKeys(database, keys));
  return new SealedLinkStore(new SqlLinkStore(database, undefined, linkStatements(database.dialect, keys)), keys);
}

/** The same for messages; who was suppressed before there were keys stays so. */
export async function openMessageStore(database: Database, keys = DataKeys.none): Promise<MessageStore> {
  const store = new SealedMessageStore(new SqlMessageStore(database), keys);
  if (keys.areNone) return store;
  const apps = await patiently(() => new SqlAppStore(database).list());
  for (const { id } of apps) await patiently(() => store.adopt(id));
  return store;
}

async function requireKeys(database: Database, keys: DataKeys): Promise<void> {
  const fault = await dataKeysFault(database, keys);
  if (fault) throw new Error(`${fault[0]!.toUpperCase()}${fault.slice(1)}.`);
}

/** The newest link and, of the suppressions that these keys sealed, the newest: recipients, and where they stand. */
const newestSealed = (keys: DataKeys): string[] => [
  `SELECT recipient, recipient_key AS key, id || ' recipient' AS place FROM links
   WHERE id = (SELECT MAX(id) FROM links)`,
  `SELECT recipient, recipient_key AS key, 'suppression ' || app || ' ' || recipient_key || ' ' || purpose AS place
   FROM suppressions s WHERE ${isOpenable(keys, 's')} AND ${isSealed('s')} ORDER BY created_at DESC LIMIT 1`,
];

/**
 * The newest rows tell: without the key that sealed them mails would have nowhere to go, and with another last key
 * nobody who is suppressed would be found. @returns what is wrong and what to do, or undefined
 */
export async function dataKeysFault(database: Database, keys: DataKeys): Promise<string | undefined> {
  const queries = new Queries(database);
  for (const sql of newestSealed(keys)) {
    const [row] = await queries.rows<{ recipient: string | null; key: string; place: string }>(sql, []);
    if (!row?.recipient || !DataKeys.isSealed(row.recipient)) continue;
    const recipient = keys.open(row.recipient, row.place);
    if (recipient === undefined)
      return 'recipients are sealed by a key that is not in DATA_KEYS; give it there, after the one that seals now';
    const known = [recipientKey(recipient), addressKey(recipient)];
    if (!known.some((key) => key !== null && keys.blind(key) === row.key))
      return 'the last of DATA_KEYS finds recipients and suppressions again, and it is another one than it was; put that one back at the end';
  }
  return undefined;
}
