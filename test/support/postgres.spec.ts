import pg from 'pg';
import { startPostgres, type Postgres } from './postgres.js';

const given = process.env['TEST_DATABASE_URL'];
let server: Postgres;
beforeAll(async () => void (server = await startPostgres()), 60_000);
afterAll(() => server.stop());
afterEach(() => {
  if (given === undefined) delete process.env['TEST_DATABASE_URL'];
  else process.env['TEST_DATABASE_URL'] = given;
});

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query({ text: sql, rowMode: 'array' }).finally(() => client.end());
  return rows.flat();
}

test('the server of TEST_DATABASE_URL is used as it is to be reached, left running, and left clean', async () => {
  const home = await server.createDatabase();
  process.env['TEST_DATABASE_URL'] = `${home}?application_name=ours`;
  const reused = await startPostgres();
  const databases = [await reused.createDatabase(), await reused.createDatabase()];
  const names = [];
  for (const url of databases) {
    const [name, application] = await ask(url, "SELECT current_database(), current_setting('application_name')");
    expect(application).toBe('ours');
    names.push(name);
  }
  expect(new Set(names).size).toBe(2);
  await reused.stop();
  const left = await ask(home, 'SELECT datname FROM pg_database');
  expect(left).not.toEqual(expect.arrayContaining([names[0]]));
  expect(left).not.toEqual(expect.arrayContaining([names[1]]));
});
