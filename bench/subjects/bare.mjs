import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { requestText } from '../load/connection.mjs';
import { forged, many } from './forgery.mjs';
import { DIST } from './oncelink.mjs';

export const API_KEY = 'bench-0123456789abcdef';
const headers = { authorization: `Bearer ${API_KEY}` };

const MISSING = 'No TypeORM, no schema validation, no limits, no idempotency, no mail.';

export const bare = reference({
  id: 'bare',
  title: 'bare reference',
  store: 'same-statements',
  note: `Nest + Fastify + jsonwebtoken + raw drivers, group-committed, with the same durable statements on the same table as Oncelink. ${MISSING} SQLite in WAL with synchronous=FULL.`,
});

export const bareNarrow = reference({
  id: 'bare-narrow',
  title: 'bare, narrow table',
  store: 'narrow',
  note: `The bare reference on a table of seven columns with no index but its key: nothing to count limits by, to find newer links or what is to be mailed. ${MISSING} What the stack itself allows.`,
});

function reference({ store, ...named }) {
  return {
    ...named,
    engines: ['sqlite', 'postgres'],
    main: fileURLToPath(new URL('../servers/bare/server.mjs', import.meta.url)),
    ready: '/ready',
    environment: ({ port, databaseUrl }) => ({
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      DIST,
      STORE: store,
      API_KEY,
    }),
    mint: (n) => ({
      method: 'POST',
      path: '/links',
      headers,
      body: { purpose: 'magic-link', recipient: `person-${n}@example.com`, subject: `user_${n}` },
    }),
    minted: ({ status }) => status === 201,
    redeem: ({ body }) => ({
      method: 'POST',
      path: '/links/redeem',
      headers,
      body: { token: JSON.parse(body).token, purpose: 'magic-link' },
    }),
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
}
