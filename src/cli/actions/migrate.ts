import { migrate, open } from '../database.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';

export async function bringUpToDate(): Promise<void> {
  const { databaseUrl } = settingsFor(['databaseUrl']);
  // Opening it first tells in plain words if it is out of reach or not durable.
  await (await open(databaseUrl)).dataSource.destroy();
  const applied = await migrate(databaseUrl);
  print(
    applied.length === 0
      ? 'The schema is up to date; there was nothing to do.'
      : `Brought the schema up to date with ${count(applied.length, 'migration')}: ${applied.join(', ')}.`,
  );
}
