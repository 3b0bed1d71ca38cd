// The load generator: a process of its own, started once per server. It mints, keeps what it needs to redeem, and redeems.
import { setTimeout as rest } from 'node:timers/promises';
import { quantile } from '../statistics.mjs';
import { subjectById } from '../subjects/index.mjs';
import { Connection, requestText } from './connection.mjs';

const [id, port] = process.argv.slice(2);
const subject = subjectById(id);
/** Whom the next link is for is put between these: a request is written out once, and not each time beside the server. */
const PLACE = 'n'.repeat(8);
const mintParts = requestText(subject.mint(PLACE)).split(PLACE);
/** redeem requests that were not sent yet; the oldest is the last */
let toRedeem = [];
let minted = 0;
let connections = [];

const commands = { mint, redeem, race, sample };

process.on('message', async ({ command, ...options }) => {
  try {
    process.send({ result: await commands[command](options) });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());

/** Mints for so many ms, each for another recipient. @param pause ms from one request of a connection to its next */
async function mint({ connections: count, milliseconds, pause = 0 }) {
  const answers = [];
  const isGood = (answer) => subject.minted(answer) && answers.push(answer) > 0;
  const result = await drive(count, milliseconds, { pause, next: nextMint, isGood });
  // What an answer holds is looked for when nobody waits for us.
  toRedeem = answers.map((answer) => requestText(subject.redeem(answer))).reverse();
  return result;
}

function nextMint() {
  return mintParts.join(String(minted++).padStart(PLACE.length, '0'));
}

/** Redeems, each once, what was minted last, until that is used up or so many ms have passed. @param pause as for `mint` */
async function redeem({ connections: count, milliseconds, pause }) {
  return drive(count, milliseconds, { pause, next: () => toRedeem.pop(), isGood: subject.won });
}

/** Several present the same token at the same moment. @returns how many were let in, for each token */
async function race({ racers, tokens }) {
  const letIn = [];
  await useConnections(racers);
  for (let n = 0; n < tokens; n++) {
    const minting = await connections[0].ask(nextMint());
    const request = requestText(subject.redeem(minting));
    const answers = await Promise.all(connections.map((connection) => connection.ask(request)));
    letIn.push(answers.filter(subject.won).length);
  }
  return { letIn };
}

/** @returns the answer to one more mint, for whoever wants to know what a good token looks like */
async function sample() {
  await useConnections(1);
  return { sample: await connections[0].ask(nextMint()) };
}

/** Keeps every connection busy with one request after the other, or lets it rest until its next is due. */
async function drive(count, milliseconds, { next, isGood, pause = 0 }) {
  await useConnections(count);
  const latencies = [];
  const shed = [];
  const failures = new Map();
  let good = 0;
  const begin = performance.now();
  const end = begin + milliseconds;
  await Promise.all(
    connections.map(async (connection, index) => {
      if (pause > 0) await rest((pause * index) / count);
      for (let sent = performance.now(); sent < end;) {
        const request = next();
        if (request === undefined) return;
        const answer = await connection.ask(request).catch((error) => ({ status: error.message }));
        const now = performance.now();
        latencies.push(now - sent);
        if (answer.status === 503) shed.push(now - sent);
        const early = sent + pause - now;
        if (pause > 0 && early > 1) await rest(early);
        sent = performance.now();
        if (typeof answer.status === 'number' && isGood(answer)) good++;
        else failures.set(answer.status, (failures.get(answer.status) ?? 0) + 1);
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort((a, b) => a - b);
  shed.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    good,
    seconds,
    rate: good / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    shed: { answers: shed.length, p50: quantile(shed, 0.5), p99: quantile(shed, 0.99) },
    failures: Object.fromEntries(failures),
  };
}

async function useConnections(count) {
  if (connections.length === count) return;
  for (const connection of connections) connection.close();
  connections = Array.from({ length: count }, () => new Connection(Number(port)));
  await Promise.all(connections.map((connection) => connection.open()));
}
