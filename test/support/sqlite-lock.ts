import sqlite3 from 'sqlite3';

/** Holds the write lock of a SQLite file from a connection of its own. @returns what gives it back */
export async function lockDatabase(file: string): Promise<() => Promise<void>> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(opened)));
  });
  const run = (sql: string) =>
    new Promise<void>((resolve, reject) =>
      database.run(sql, (error: Error | null) => (error ? reject(error) : resolve())),
    );
  await run('PRAGMA busy_timeout = 10000');
  await run('BEGIN EXCLUSIVE');
  return async () => {
    await run('ROLLBACK');
    await new Promise((resolve) => database.close(resolve));
  };
}
