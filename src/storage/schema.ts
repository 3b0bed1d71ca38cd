import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase, whenFree, type Database } from './engines.js';

const ATTEMPTS = 4;

/**
 * Brings the schema up to date, on a connection of its own that may take its time: an index over a large table takes
 * longer than a request may.
 * @returns the names of the migrations that were applied
 */
export async function migrateDatabase(url: string): Promise<string[]> {
  const database = await openDatabase(url, { patient: true });
  try {
    return await runMigrations(database);
  } finally {
    await database.dataSource.destroy();
  }
}

/** Instances that are deployed together migrate together. The loser of that race fails once and then finds it done. */
async function runMigrations({ dataSource, dialect }: Database): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      const applied = await whenFree(dialect, () => dataSource.runMigrations({ transaction: 'each' }));
      return applied.map(({ name }) => name);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await pause(attempt * 250);
    }
  }
}

export function isOutOfDate({ dataSource, dialect }: Database): Promise<boolean> {
  return whenFree(dialect, () => dataSource.showMigrations());
}

/** Opens a database whose schema is current. @throws if it is out of date and may not be migrated */
export async function openWithSchema({ url, migrate }: { url: string; migrate: boolean }): Promise<Database> {
  const database = await openDatabase(url);
  try {
    if (await isOutOfDate(database)) {
      if (!migrate) {
        throw new Error(
          'The database schema is out of date. Run `oncelink migrate` with the same DATABASE_URL, then start again.',
        );
      }
      // An embedded database is migrated in place: it may live in memory, where another connection would be another database.
      if (database.dialect.remote) await migrateDatabase(url);
      else await runMigrations(database);
    }
    return database;
  } catch (error) {
    await database.dataSource.destroy();
    throw error;
  }
}
