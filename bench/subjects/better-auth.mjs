import { fileURLToPath } from 'node:url';
import { header } from '../load/connection.mjs';

const subject = {
  main: fileURLToPath(new URL('../servers/better-auth.mjs', import.meta.url)),
  ready: '/ready',
  mint: (n) => ({ method: 'POST', path: '/api/auth/sign-in/magic-link', body: { email: `person-${n}@example.com` } }),
  minted: ({ status }) => status === 200,
  redeem: (answer) => ({
    method: 'GET',
    path: `/api/auth/magic-link/verify?token=${header(answer, 'x-bench-token')}`,
  }),
  won: ({ status }) => status === 200,
};
const work =
  'Its mail callback only hands the token to the generator, its rate limiter is off. Redeeming also makes a user and a session, which is part of what it is for.';

/** As its documentation sets it up. */
export const betterAuth = {
  ...subject,
  id: 'better-auth',
  title: 'better-auth magic link',
  engines: ['sqlite', 'postgres'],
  note: `The database as its documentation sets it up: \`new Database(file)\` of better-sqlite3, which is a rollback journal with synchronous=FULL; a \`Pool\` of pg. ${work}`,
  environment: ({ port, databaseUrl }) => ({ PORT: String(port), DATABASE_URL: databaseUrl }),
};

/** With the journal mode that an operator who looks for speed would choose, equally durable. */
export const betterAuthWal = {
  ...subject,
  id: 'better-auth-wal',
  title: 'better-auth magic link (WAL)',
  engines: ['sqlite'],
  note: `The same with journal_mode=WAL and synchronous=FULL. ${work}`,
  environment: ({ port, databaseUrl }) => ({ PORT: String(port), DATABASE_URL: databaseUrl, SQLITE_WAL: '1' }),
};
