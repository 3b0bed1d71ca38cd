import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase, type Database } from './engines.js';

const ATTEMPTS = 4;

/**
 * Brings the schema up to date, on a connection of its own that may take its time: an index over a large table takes
 * longer than a request may.
 * @returns the names of the migrations that were applied
 */
export async function migrateDatabase(url: string): Promise<string[]> {
  const { dataSource } = await openDatabase(url, { patient: true });
  try {
    // Instances that are deployed together migrate together. The loser of that race fails once and then finds it done.
    for (let attempt = 1; ; attempt++) {
      try {
        return (await dataSource.runMigrations({ transaction: 'each' })).map(({ name }) => name);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await pause(attempt * 250);
      }
    }
  } finally {
    await dataSource.destroy();
  }
}

/** Opens a database whose schema is current. @throws if it is out of date and may not be migrated */
export async function openWithSchema({ url, migrate }: { url: string; migrate: boolean }): Promise<Database> {
  const database = await openDatabase(url);
  try {
    if (await database.dataSource.showMigrations()) {
      if (!migrate) {
        throw new Error(
          'The database schema is out of date. Run `oncelink migrate` with the same DATABASE_URL, then start again.',
        );
      }
      await migrateDatabase(url);
    }
    return database;
  } catch (error) {
    await database.dataSource.destroy();
    throw error;
  }
}
