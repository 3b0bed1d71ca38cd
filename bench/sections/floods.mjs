import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withServer } from '../bed.mjs';
import { Load } from '../load/load.mjs';
import { bare } from '../subjects/bare.mjs';
import oncelink, { DIST } from '../subjects/oncelink.mjs';

const GATE = fileURLToPath(new URL('../servers/gate.mjs', import.meta.url));
/** Those who redeem what is good meanwhile: so many connections, each once in so many ms. */
const STEADY = { connections: 20, pause: 100 };
const FLOOD = { connections: 32, pipelined: 8 };

/** What refusing costs, and what those feel who have something good while others flood the service. */
export async function* measureFloods(options, postgres, say) {
  const results = { gate: await measureGate(options), http: [] };
  for (const engine of oncelink.engines) {
    for (const subject of [oncelink, bare]) {
      const floods = await withServer({ subject, engine }, postgres, (bed) => flooded(subject, bed, options));
      results.http.push({ id: subject.id, title: subject.title, engine, floods });
      for (const { name, rate, good } of floods)
        say(
          `floods on ${engine}, ${subject.id}, ${name}: ${Math.round(rate)}/s, good ones' p99 ${good.p99.toFixed(0)} ms`,
        );
      yield results;
    }
  }
}

async function flooded(subject, { service, load, home }, { flood: milliseconds, warmUp }) {
  const flood = new Load(subject, home.port, 'flood.mjs');
  try {
    await load.run('mint', { connections: 50, milliseconds });
    const { sample } = await load.run('sample');
    await load.run('redeem', { ...STEADY, milliseconds });
    const quiet = await during(service, () => load.run('redeem', { ...STEADY, milliseconds }));
    const results = [{ name: 'nothing', rate: 0, answers: {}, cpuMicros: null, good: quiet.result }];
    for (const [name, requests] of Object.entries(subject.floods(sample))) {
      await load.run('mint', { connections: 50, milliseconds });
      await flood.run(undefined, { ...FLOOD, milliseconds: warmUp, requests });
      const both = await during(service, () =>
        Promise.all([
          flood.run(undefined, { ...FLOOD, milliseconds, requests }),
          load.run('redeem', { ...STEADY, milliseconds }),
        ]),
      );
      const [{ answers, seconds }, good] = both.result;
      const other = Object.keys(answers).filter((status) => !/^4/.test(status));
      if (other.length > 0) throw new Error(`${subject.id} answered ${name} with ${other.join(', ')}: no refusal`);
      const count = Object.values(answers).reduce((sum, one) => sum + one, 0);
      const cpuMicros = (both.cpuMicros - (good.requests * quiet.cpuMicros) / quiet.result.requests) / count;
      results.push({ name, rate: count / seconds, answers, cpuMicros, good });
    }
    return results;
  } finally {
    await flood.stop();
  }
}

async function during(service, work) {
  const before = await service.begin();
  const result = await work();
  return { result, cpuMicros: (await service.end()).cpuMicros - before.cpuMicros };
}

/** The token gate by itself, without HTTP: refusals of each kind in one second of CPU. */
async function measureGate({ flood: milliseconds }) {
  const child = spawn(process.execPath, [GATE], {
    env: { PATH: process.env.PATH, DIST, MILLISECONDS: String(milliseconds / 4) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`the gate's process ended with ${code}`);
  return JSON.parse(text);
}
