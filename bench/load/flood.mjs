// The flood: a process that sends the same few requests as fast as they are answered, many at a time on each connection,
// and does no more with the answers than to count them.
import { connect } from 'node:net';

const port = Number(process.argv[3]);
/** What an answer begins with, and how long that is with its status. It may come in two pieces. */
const MARK = Buffer.from('HTTP/1.1 ');
const BEGIN = MARK.length + 3;

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
    let tail = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const send = (count) => {
      let text = '';
      for (let n = 0; n < count; n++) text += requests[next++ % requests.length];
      socket.write(text, 'latin1');
    };
    socket.once('connect', () => send(pipelined));
    socket.on('data', (chunk) => {
      // Looked for in the bytes: a page has thousands of them, and whoever floods does not read it.
      const bytes = Buffer.concat([tail, chunk]);
      let count = 0;
      let read = 0;
      for (;;) {
        const mark = bytes.indexOf(MARK, read);
        if (mark < 0 || mark + BEGIN > bytes.length) break;
        read = mark + BEGIN;
        const status = bytes.latin1Slice(read - 3, read);
        answers[status] = (answers[status] ?? 0) + 1;
        count++;
      }
      tail = bytes.subarray(Math.max(read, bytes.length - BEGIN));
      if (performance.now() >= end) socket.destroy();
      else if (count > 0) send(count);
    });
    socket.once('error', reject);
    socket.once('close', done);
  });
}
