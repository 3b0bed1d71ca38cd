// The flood: a process that sends the same few requests as fast as they are answered, many at a time on each connection,
// and does no more with the answers than to count them.
import { connect } from 'node:net';

const port = Number(process.argv[3]);
const STATUS = /HTTP\/1\.1 (\d{3}) /g;
/** An answer's first bytes may come in two pieces. */
const SEAM = 12;

process.on('message', async ({ connections, pipelined, milliseconds, requests }) => {
  try {
    const answers = {};
    const end = performance.now() + milliseconds;
    const begin = performance.now();
    const firstOf = (index) => Math.floor((index * requests.length) / connections);
    const pouring = (_, index) => pour(requests, firstOf(index), pipelined, end, answers);
    await Promise.all(Array.from({ length: connections }, pouring));
    process.send({ result: { answers, seconds: (performance.now() - begin) / 1000 } });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());

/** Keeps so many requests under way on one connection. */
function pour(requests, first, pipelined, end, answers) {
  return new Promise((done, reject) => {
    let next = first;
    let tail = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const send = (count) => {
      let text = '';
      for (let n = 0; n < count; n++) text += requests[next++ % requests.length];
      socket.write(text, 'latin1');
    };
    socket.once('connect', () => send(pipelined));
    socket.on('data', (chunk) => {
      const text = tail + chunk.latin1Slice();
      let count = 0;
      let read = 0;
      for (const match of text.matchAll(STATUS)) {
        answers[match[1]] = (answers[match[1]] ?? 0) + 1;
        read = match.index + match[0].length;
        count++;
      }
      tail = text.slice(Math.max(read, text.length - SEAM));
      if (performance.now() >= end) socket.destroy();
      else if (count > 0) send(count);
    });
    socket.once('error', reject);
    socket.once('close', done);
  });
}
