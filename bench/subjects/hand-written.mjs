import { fileURLToPath } from 'node:url';

export default {
  id: 'hand-written',
  title: 'Nest + TypeORM by hand',
  engines: ['sqlite', 'postgres'],
  note: 'What is written by hand: `@nestjs/jwt` with a secret string, an entity with `used`, `findOneBy` then `save`. TypeORM’s defaults: on SQLite a rollback journal with synchronous=FULL and one connection for all requests.',
  main: fileURLToPath(new URL('../servers/hand-written.mjs', import.meta.url)),
  ready: '/ready',
  environment: ({ port, databaseUrl }) => ({ PORT: String(port), DATABASE_URL: databaseUrl }),
  mint: (n) => ({
    method: 'POST',
    path: '/links',
    body: { purpose: 'magic-link', email: `person-${n}@example.com`, userId: `user_${n}` },
  }),
  minted: ({ status }) => status === 201,
  redeem: ({ body }) => ({ method: 'POST', path: '/links/redeem', body: { token: JSON.parse(body).token } }),
  won: ({ status }) => status === 200,
};
