import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { requestText } from '../load/connection.mjs';
import { forged, many } from './forgery.mjs';

export const API_KEY = 'bench-0123456789abcdef';
const headers = { authorization: `Bearer ${API_KEY}` };

export default {
  id: 'bare',
  title: 'bare reference',
  engines: ['sqlite', 'postgres'],
  note: 'Nest + Fastify + jsonwebtoken + raw drivers with the same durable, group-committed statements on a narrow table (primary key only). No TypeORM, no schema validation, no limits, no superseding, no idempotency, no mail: what the stack itself allows. SQLite in WAL with synchronous=FULL.',
  main: fileURLToPath(new URL('../servers/bare/server.mjs', import.meta.url)),
  ready: '/ready',
  environment: ({ port, databaseUrl }) => ({ PORT: String(port), DATABASE_URL: databaseUrl, API_KEY }),
  mint: (n) => ({
    method: 'POST',
    path: '/links',
    headers,
    body: { purpose: 'magic-link', recipient: `person-${n}@example.com`, subject: `user_${n}` },
  }),
  redeem: ({ status, body }) =>
    status === 201
      ? {
          method: 'POST',
          path: '/links/redeem',
          headers,
          body: { token: JSON.parse(body).token, purpose: 'magic-link' },
        }
      : undefined,
  won: ({ status }) => status === 200,
  floods: ({ body }) => {
    const { token } = JSON.parse(body);
    const redeem = (bad, authorization) =>
      requestText({ method: 'POST', path: '/links/redeem', headers: { authorization }, body: { token: bad } });
    return {
      'garbage tokens': many(() => redeem(randomBytes(150).toString('base64'), headers.authorization)),
      'forged tokens': many(() => redeem(forged(token), headers.authorization)),
      'bad API keys': many(() => redeem(token, `Bearer ${randomBytes(20).toString('hex')}`)),
    };
  },
};
