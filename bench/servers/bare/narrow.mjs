import { openPostgres } from './narrow-postgres.mjs';
import { openSqlite } from './narrow-sqlite.mjs';

/** @returns the two durable, batched writes on a table of seven columns with no index but its key */
export function openStore(url) {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url);
}
