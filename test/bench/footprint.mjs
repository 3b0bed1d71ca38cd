// Prints how long the built service takes to be ready and what it weighs after many mints. Figures of one machine: compare, do not quote.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MINTS = Number(process.argv[2] ?? 10_000);
const CONNECTIONS = 50;
const KEY = 'olk_bench_0123456789abcdef0123456789abcdef';

const directory = mkdtempSync(join(tmpdir(), 'oncelink-footprint-'));
const port = await freePort();
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const env = {
  ...process.env,
  NODE_ENV: 'development',
  PORT: String(port),
  DATABASE_URL: `sqlite:${join(directory, 'oncelink.sqlite')}`,
  SIGNING_KEYS_FILE: join(directory, 'signing-keys.json'),
  API_KEY: KEY,
  LOG_LEVEL: 'warn',
};

const begin = performance.now();
const service = spawn(process.execPath, ['dist/main.js'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
try {
  while ((await send('GET', '/health/ready').catch(() => ({ status: 0 }))).status !== 200)
    await new Promise((turn) => setTimeout(turn, 5));
  const ready = performance.now() - begin;
  const atRest = residentMegabytes(service.pid);
  const { rate: mintRate, answers } = await run(MINTS, (n) =>
    send('POST', '/v1/links', {
      purpose: 'magic-link',
      recipient: `person-${n}@example.com`,
      subject: `user_${n}`,
      delivery: 'return',
    }),
  );
  const tokens = answers.map(({ body }) => JSON.parse(body).token);
  const { rate: redeemRate } = await run(MINTS, (n) =>
    send('POST', '/v1/links/redeem', { token: tokens[n], purpose: 'magic-link' }),
  );
  console.table([
    { figure: 'ready after start', value: `${Math.round(ready)} ms` },
    { figure: 'resident at rest', value: `${atRest} MB` },
    { figure: `resident after ${MINTS} mints and redemptions`, value: `${residentMegabytes(service.pid)} MB` },
    { figure: `mints a second, ${CONNECTIONS} connections`, value: Math.round(mintRate) },
    { figure: `redemptions a second, ${CONNECTIONS} connections`, value: Math.round(redeemRate) },
  ]);
} finally {
  const ended = new Promise((done) => service.once('exit', done));
  service.kill('SIGTERM');
  agent.destroy();
  await ended;
  rmSync(directory, { recursive: true, force: true });
}

async function run(count, job) {
  const answers = new Array(count);
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let n = next++; n < count; n = next++) {
        answers[n] = await job(n);
        if (answers[n].status >= 300) throw new Error(`answer ${answers[n].status}: ${answers[n].body}`);
      }
    }),
  );
  return { rate: count / ((performance.now() - start) / 1000), answers };
}

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${KEY}`,
      ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Linux only; elsewhere the figure is missing. */
function residentMegabytes(pid) {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
  } catch {
    return 'unknown';
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}
