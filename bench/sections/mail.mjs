import { setTimeout as pause } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { withServer } from '../bed.mjs';
import { Connection, requestText } from '../load/connection.mjs';
import { quantile } from '../statistics.mjs';
import { measureThroughput } from './throughput.mjs';
import oncelink, { mailed } from '../subjects/oncelink.mjs';

/** ms between two mails: the machine comes to rest */
const REST = 20;
const LIMIT = 10_000;

/** How long after the 201 the relay is told the recipient, one mint after the other on an idle machine, in ms. */
export async function* measureMail(options, postgres, say) {
  const results = [];
  for (const engine of oncelink.engines) {
    const sink = await Sink.start();
    try {
      const environment = { SMTP_URL: sink.url };
      const waits = await withServer(
        { subject: oncelink, engine },
        postgres,
        ({ home }) => mint(home.port, sink, options.mails),
        {
          environment,
        },
      );
      waits.sort((a, b) => a - b);
      const throughput = await measureThroughput(options, engine, postgres, say);
      results.push({
        engine,
        throughput,
        mails: waits.length,
        p50: quantile(waits, 0.5),
        p99: quantile(waits, 0.99),
        max: waits.at(-1),
      });
      say(`mail on ${engine}: p50 ${waits[waits.length >> 1].toFixed(1)} ms`);
    } finally {
      await sink.stop();
    }
    yield results;
  }
}

async function mint(port, sink, count) {
  const connection = new Connection(port);
  const waits = [];
  try {
    for (let n = 0; n < count; n++) {
      const request = mailed(n);
      const offered = sink.offering(request.body.recipient);
      const { status, body } = await connection.ask(requestText(request));
      const answered = performance.now();
      if (status !== 201) throw new Error(`a mint was answered with ${status}: ${body}`);
      // A courier that is faster than our answer has kept nobody waiting.
      waits.push(Math.max(0, (await offered) - answered));
      await pause(REST);
    }
  } finally {
    connection.close();
  }
  return waits;
}

/** A real SMTP server that throws away what it accepts. */
class Sink {
  #waiting = new Map();
  #server;

  static async start() {
    const sink = new Sink();
    sink.#server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      onRcptTo: ({ address }, _session, done) => {
        sink.#waiting.get(address)?.(performance.now());
        done();
      },
      onData: (stream, _session, done) => stream.resume().once('end', done),
    });
    sink.#server.on('error', () => {});
    await new Promise((listening) => sink.#server.listen(0, '127.0.0.1', listening));
    sink.url = `smtp://127.0.0.1:${sink.#server.server.address().port}`;
    return sink;
  }

  /** @returns when the recipient is offered */
  offering(recipient) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('a mail did not arrive')), LIMIT);
      this.#waiting.set(recipient, (time) => {
        clearTimeout(late);
        this.#waiting.delete(recipient);
        resolve(time);
      });
    });
  }

  stop() {
    return new Promise((closed) => this.#server.close(closed));
  }
}
