import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { makeHome } from '../service.mjs';
import { median } from '../statistics.mjs';
import { CHECKOUT, DIST } from '../subjects/oncelink.mjs';

const PROCESS = fileURLToPath(new URL('../servers/courier.mjs', import.meta.url));

/** Mails a second out of a full outbox, beside nodemailer's own pool with the same letter and the same sink. */
export async function measureThroughput({ throughput: count, rounds }, engine, postgres, say) {
  const sink = await DrainSink.start();
  const rates = { oncelink: [], nodemailer: [] };
  try {
    // The letter is the service's own: the first run leaves one behind. The peers take turns.
    let letter = await sink.letterOf(() => run({ mode: 'oncelink', count: 10, sink, engine, postgres }));
    letter = JSON.stringify({ subject: letter.subject, text: letter.text, html: letter.html });
    for (let round = 0; round < rounds; round++) {
      for (const mode of Object.keys(rates))
        rates[mode].push(await run({ mode, count, sink, engine, postgres, letter }));
    }
  } finally {
    await sink.stop();
  }
  const [ours, limit] = Object.values(rates).map((runs) => ({
    rate: median(runs.map(({ rate }) => rate)),
    cpuMicros: median(runs.map(({ cpuMicros }) => cpuMicros)),
  }));
  say(`mails a second on ${engine}: ${ours.rate.toFixed(0)}, nodemailer alone ${limit.rate.toFixed(0)}`);
  return { count, ours, limit };
}

async function run({ mode, count, sink, engine, postgres, letter = '{}' }) {
  const own = engine === 'postgres' && mode === 'oncelink' ? await postgres.createDatabase() : undefined;
  const home = await makeHome(own);
  try {
    const env = {
      PATH: process.env.PATH,
      DIST,
      TEMPLATES: join(CHECKOUT, 'templates'),
      DATABASE_URL: home.databaseUrl,
    };
    const child = spawn(process.execPath, [PROCESS], {
      env: { ...env, SINK: sink.url, COUNT: String(count), MODE: mode, LETTER: letter },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`the ${mode} process ended with ${code}`);
    return JSON.parse(text);
  } finally {
    if (own) await postgres.dropDatabase(own);
    home.discard();
  }
}

/** A real SMTP server that reads everything and keeps only the last mail. */
class DrainSink {
  #server;
  #last;

  static async start() {
    const sink = new DrainSink();
    sink.#server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      onData: (stream, _session, done) => {
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.once('end', () => {
          sink.#last = chunks;
          done();
        });
      },
    });
    sink.#server.on('error', () => {});
    await new Promise((listening) => sink.#server.listen(0, '127.0.0.1', listening));
    sink.url = `smtp://127.0.0.1:${sink.#server.server.address().port}`;
    return sink;
  }

  async letterOf(work) {
    await work();
    return PostalMime.parse(Buffer.concat(this.#last));
  }

  stop() {
    return new Promise((closed) => this.#server.close(closed));
  }
}
