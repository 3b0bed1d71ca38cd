// Auth.js' e-mail provider behind Node's own HTTP server.
import { Auth, skipCSRFCheck } from '@auth/core';
import PostgresAdapter from '@auth/pg-adapter';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import pg from 'pg';

const { PORT, DATABASE_URL } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;
const pool = new pg.Pool({ connectionString: DATABASE_URL });

// The schema of the adapter's documentation, and an index that it lacks: without it every mint reads all users.
await pool.query(`
  CREATE TABLE verification_token (identifier TEXT NOT NULL, expires TIMESTAMPTZ NOT NULL, token TEXT NOT NULL, PRIMARY KEY (identifier, token));
  CREATE TABLE accounts (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, type VARCHAR(255) NOT NULL, provider VARCHAR(255) NOT NULL,
    "providerAccountId" VARCHAR(255) NOT NULL, refresh_token TEXT, access_token TEXT, expires_at BIGINT, id_token TEXT, scope TEXT,
    session_state TEXT, token_type TEXT);
  CREATE TABLE sessions (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL);
  CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255), email VARCHAR(255), "emailVerified" TIMESTAMPTZ, image TEXT);
  CREATE UNIQUE INDEX users_email ON users (email)`);

/** what the mail would hold, by recipient, until the answer takes it along */
const mailed = new Map();
const config = {
  adapter: PostgresAdapter(pool),
  providers: [
    {
      id: 'email',
      type: 'email',
      name: 'Email',
      from: 'no-reply@example.com',
      maxAge: 600,
      sendVerificationRequest: async ({ identifier, url }) => void mailed.set(identifier, url.slice(ORIGIN.length)),
    },
  ],
  secret: 'a-secret-of-the-bench-that-guards-nothing-0123456789',
  basePath: '/auth',
  trustHost: true,
  skipCSRFCheck,
  logger: { error() {}, warn() {}, debug() {} },
};

createServer(async (request, response) => {
  if (request.url === '/ready') return response.end('ok');
  const body = request.method === 'POST' ? await text(request) : undefined;
  const answer = await Auth(
    new Request(ORIGIN + request.url, { method: request.method, headers: request.headers, body }),
    config,
  );
  const email = body && new URLSearchParams(body).get('email');
  const link = email && mailed.get(email);
  mailed.delete(email);
  const headers = [...answer.headers].flat();
  if (link) headers.push('x-bench-link', link);
  const content = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, [...headers, 'content-length', String(content.length)]).end(content);
}).listen(Number(PORT), '127.0.0.1');
