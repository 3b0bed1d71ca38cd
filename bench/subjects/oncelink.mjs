import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requestText } from '../load/connection.mjs';
import { forged, many } from './forgery.mjs';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
export const DIST = process.env.ONCELINK_DIST ? resolve(process.env.ONCELINK_DIST) : join(CHECKOUT, 'dist');
const API_KEY = 'olk_bench_0123456789abcdef0123456789abcdef';
const SIGNING_KEYS = JSON.stringify({
  keys: [{ kty: 'oct', alg: 'HS256', kid: 'bench', k: randomBytes(32).toString('base64url') }],
});
const headers = { authorization: `Bearer ${API_KEY}` };

export default {
  id: 'oncelink',
  title: 'Oncelink',
  engines: ['sqlite', 'postgres'],
  note: 'Production mode, LOG_LEVEL=warn, `delivery: return`. SQLite in WAL with synchronous=FULL, PostgreSQL with synchronous_commit=on.',
  main: join(DIST, 'main.js'),
  ready: '/health/ready',
  environment,
  prepare: migrate,
  mint: (n) => ({
    method: 'POST',
    path: '/v1/links',
    headers,
    body: {
      purpose: 'magic-link',
      recipient: `person-${n}@example.com`,
      subject: `user_${n}`,
      delivery: 'return',
    },
  }),
  minted: ({ status }) => status === 201,
  redeem: ({ body }) => ({
    method: 'POST',
    path: '/v1/links/redeem',
    headers,
    body: { token: JSON.parse(body).token, purpose: 'magic-link' },
  }),
  won: ({ status }) => status === 200,
  floods,
};

/** A mint whose link is mailed. */
export const mailed = (n) => ({
  method: 'POST',
  path: '/v1/links',
  headers,
  body: { purpose: 'magic-link', recipient: `reader-${n}@example.com`, subject: `reader_${n}` },
});

/** @returns what to flood it with, by name: a few different requests of each kind, none of them good */
function floods({ body }) {
  const { token } = JSON.parse(body);
  const redeem = (bad, authorization) =>
    requestText({
      method: 'POST',
      path: '/v1/links/redeem',
      headers: { authorization },
      body: { token: bad, purpose: 'magic-link' },
    });
  const { authorization } = headers;
  return {
    'garbage tokens': many(() => redeem(randomBytes(150).toString('base64'), authorization)),
    'forged tokens': many(() => redeem(forged(token), authorization)),
    'bad API keys': many(() =>
      redeem(token, `Bearer olk_${randomBytes(8).toString('hex')}_${randomBytes(20).toString('hex')}`),
    ),
    'forged links on the page': many(() => requestText({ method: 'GET', path: `/l/${forged(token)}` })),
  };
}

function environment({ port, databaseUrl }) {
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
    DATABASE_URL: databaseUrl,
    SIGNING_KEYS,
    SMTP_URL: 'smtp://127.0.0.1:9',
    MAIL_FROM: 'Bench <no-reply@example.com>',
    TEMPLATES_DIR: join(CHECKOUT, 'templates'),
    API_KEY,
    LOG_LEVEL: 'warn',
  };
}

/** Brings the schema up to date with the CLI, as one does before a deployment. */
async function migrate(home) {
  const cli = join(DIST, 'cli', 'main.js');
  if (!existsSync(cli)) throw new Error(`${DIST} has no build of Oncelink: run \`npm run build\` first`);
  const child = spawn(process.execPath, [cli, 'migrate'], {
    cwd: home.directory,
    env: { PATH: process.env.PATH, ...environment(home) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`oncelink migrate ended with ${code}`);
}
