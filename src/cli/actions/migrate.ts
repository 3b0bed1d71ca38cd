import { migrate, open } from '../database.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';

export async function bringUpToDate(): Promise<void> {
  const database = await open(settingsFor(['databaseUrl']).databaseUrl);
  try {
    const applied = await migrate(database);
    print(
      applied.length === 0
        ? 'The schema is up to date; there was nothing to do.'
        : `Brought the schema up to date with ${count(applied.length, 'migration')}: ${applied.join(', ')}.`,
    );
  } finally {
    await database.dataSource.destroy();
  }
}
