// better-auth's magic-link plugin behind Node's own HTTP server.
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { magicLink } from 'better-auth/plugins';
import Sqlite from 'better-sqlite3';
import { createServer } from 'node:http';
import pg from 'pg';

const { PORT, DATABASE_URL: url, SQLITE_WAL } = process.env;

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: 'a-secret-of-the-bench-that-guards-nothing-0123456789',
  database: url.startsWith('sqlite:')
    ? openSqlite(url.slice('sqlite:'.length))
    : new pg.Pool({ connectionString: url }),
  plugins: [magicLink({ sendMagicLink: async ({ token }, context) => void context.setHeader('x-bench-token', token) })],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
});

function openSqlite(file) {
  const database = new Sqlite(file);
  if (SQLITE_WAL) {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
  }
  return database;
}

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const handle = toNodeHandler(auth);
createServer((request, response) => (request.url === '/ready' ? response.end('ok') : handle(request, response))).listen(
  Number(PORT),
  '127.0.0.1',
);
