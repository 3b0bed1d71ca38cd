import { existsSync } from 'node:fs';
import { ApiKeys } from '../apps/api-keys.js';
import type { AppStore } from '../apps/app.js';
import type { LinkStore } from '../links/link-store.js';
import { openDatabase, fileOf, type Database } from '../storage/engines.js';
import { isOutOfDate, migrateDatabase } from '../storage/schema.js';
import { SqlAppStore } from '../storage/sql-app-store.js';
import { openLinkStore } from '../storage/stores.js';
import { Failure, reasonOf } from './failure.js';
import { settingsFor } from './settings-for.js';

export interface Stores {
  readonly apps: AppStore;
  readonly keys: ApiKeys;
  readonly links: LinkStore;
}

/** Opens the database for the length of `work`; the service may be using it at the same time. */
export async function withStores<Result>(
  work: (stores: Stores) => Promise<Result>,
  options: { mayCreate?: boolean } = {},
): Promise<Result> {
  const { databaseUrl, dataKeys, production } = settingsFor(['databaseUrl', 'dataKeys']);
  if (!options.mayCreate && isMissing(databaseUrl))
    throw new Failure(
      'There is no database at DATABASE_URL yet. `oncelink migrate` makes it, and so does the first start.',
    );
  const database = await open(databaseUrl);
  try {
    await requireSchema(database, databaseUrl, { migrate: !production || fileOf(databaseUrl) !== undefined });
    const apps = new SqlAppStore(database);
    return await work({ apps, keys: new ApiKeys(apps, Date.now), links: await openLinkStore(database, dataKeys) });
  } finally {
    await database.dataSource.destroy();
  }
}

/** @throws Failure if it cannot be reached or would not be durable */
export async function open(databaseUrl: string): Promise<Database> {
  try {
    return await openDatabase(databaseUrl);
  } catch (error) {
    throw new Failure(`The database cannot be opened: ${reasonOf(error)}. Check DATABASE_URL.`);
  }
}

/** Whether a SQLite file would be made by opening it. */
export function isMissing(databaseUrl: string): boolean {
  const file = fileOf(databaseUrl);
  return file !== undefined && file !== ':memory:' && !existsSync(file);
}

/** @returns the names of the migrations that were applied */
export async function migrate(databaseUrl: string): Promise<string[]> {
  try {
    return await migrateDatabase(databaseUrl);
  } catch (error) {
    throw new Failure(`The schema could not be brought up to date: ${reasonOf(error)}.`);
  }
}

/** By the service's rule: a shared PostgreSQL in production is migrated on purpose only. */
async function requireSchema(database: Database, databaseUrl: string, options: { migrate: boolean }): Promise<void> {
  if (!(await isOutOfDate(database))) return;
  if (!options.migrate)
    throw new Failure('The database schema is out of date. Run `oncelink migrate` with the same DATABASE_URL first.');
  await migrate(databaseUrl);
}
