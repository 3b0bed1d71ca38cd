// A crowd of callers in a process of its own, who mint one link after the other. It shares the machine with what it asks, so
// it does as little as it can: raw sockets, and nothing is read of an answer but its status.
import { setTimeout as rest } from 'node:timers/promises';
import { Connection, requestText } from '../../bench/load/connection.mjs';

const { PORT, API_KEY } = process.env;
const headers = { authorization: `Bearer ${API_KEY}` };
let people = 0;

process.on('disconnect', () => process.exit());
process.on('message', (wanted) => ask(wanted).then((result) => process.send(result)));

/** @param wanted how many callers, for how many seconds, and how long from one request of a caller to its next, in ms */
async function ask({ callers, seconds, pause }) {
  const connections = Array.from({ length: callers }, () => new Connection(Number(PORT)));
  await Promise.all(connections.map((connection) => connection.open()));
  const statuses = {};
  const refusals = [];
  const began = performance.now();
  const end = began + seconds * 1000;
  const call = async (connection, nth) => {
    await rest((pause * nth) / callers);
    for (let sent = performance.now(); sent < end; sent = performance.now()) {
      const { status } = await connection.ask(mint(people++)).catch((error) => ({ status: error.message }));
      const took = performance.now() - sent;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 503) refusals.push(took);
      if (took < pause) await rest(pause - took);
    }
  };
  await Promise.all(connections.map(call));
  const took = (performance.now() - began) / 1000;
  for (const connection of connections) connection.close();
  refusals.sort((one, other) => one - other);
  const at = (part) => refusals[Math.floor(refusals.length * part)] ?? null;
  const asked = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return {
    statuses,
    asked: asked / took,
    good: (statuses[201] ?? 0) / took,
    toldIn: { half: at(0.5), most: at(0.99) },
  };
}

function mint(n) {
  const body = {
    purpose: 'password-reset',
    recipient: `one-${n}@example.com`,
    subject: `one-${n}`,
    delivery: 'return',
  };
  return requestText({ method: 'POST', path: '/v1/links', headers, body });
}
