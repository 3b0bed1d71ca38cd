import { fileURLToPath } from 'node:url';
import { header } from '../load/connection.mjs';

export default {
  id: 'authjs',
  title: 'Auth.js e-mail provider',
  engines: ['postgres'],
  note: 'With its own PostgreSQL adapter and the schema of its documentation plus an index on users.email. Its mail callback only hands the token to the generator, its CSRF check is skipped. Redeeming also makes a user and a session.',
  main: fileURLToPath(new URL('../servers/authjs.mjs', import.meta.url)),
  ready: '/ready',
  environment: ({ port, databaseUrl }) => ({ PORT: String(port), DATABASE_URL: databaseUrl }),
  mint: (n) => ({
    method: 'POST',
    path: '/auth/signin/email',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `email=person-${n}%40example.com`,
  }),
  // Everything is a redirect.
  minted: (answer) => answer.head.includes('\r\nx-bench-link:'),
  redeem: (answer) => ({ method: 'GET', path: header(answer, 'x-bench-link') }),
  // Only a success sets the session's cookie.
  won: (answer) => answer.status === 302 && /authjs\.session-token=[^;\s]/.test(answer.head),
};
