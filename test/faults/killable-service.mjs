// The built service, which ends itself with kill -9 at one named point of its work: `KILL_AT` names the point, `KILL_AFTER`
// says how often it is passed before. Production code knows nothing of this: its classes are wrapped from outside.
import { subscribe } from 'node:diagnostics_channel';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const { ONCELINK_MAIN: main, KILL_AT: killAt, KILL_AFTER: passes = '0', SMTP_URL: relay } = process.env;
const built = (file) => import(pathToFileURL(`${dirname(main)}/${file}`).href);
const { SqlLinkStore } = await built('storage/sql-link-store.js');
const { Mailer } = await built('mail/mailer.js');

let left = Number(passes);
function reach(point) {
  if (point === killAt && left-- <= 0) process.kill(process.pid, 'SIGKILL');
}

/** Replaces a method by one that passes a point before it begins and one after it has succeeded. */
function wrap({ prototype }, method, before, after, counts = async () => true) {
  const original = prototype[method];
  if (typeof original !== 'function') throw new Error(`there is no ${method} to wrap any more`);
  prototype[method] = async function (...words) {
    if (killAt === before && (await counts(this))) reach(before);
    const answer = await original.apply(this, words);
    if (killAt === after && answer !== undefined && answer?.length !== 0) reach(after);
    return answer;
  };
}

/** Claiming nothing is nothing to be killed for. */
async function hasDueMail(store) {
  const due = await store.nextDue();
  return due !== null && due <= Date.now();
}

/** RFC 5321 section 4.1.1.4 */
const END_OF_MAIL = '\r\n.\r\n';

/**
 * What lies between the service and its relay is seen on the wire, whatever the library in between does: the letter's end
 * has left (`after hand-over`), and the relay's yes to it has come in, which nobody has read yet (`before the 250`).
 */
function watch(socket) {
  const { write, push } = socket;
  let tail = '';
  let isAwaited = false;
  socket.write = (chunk, ...rest) => {
    tail = (tail + Buffer.from(chunk).toString('latin1')).slice(-END_OF_MAIL.length);
    const answer = write.call(socket, chunk, ...rest);
    if (tail !== END_OF_MAIL) return answer;
    isAwaited = true;
    // As soon as the system has it: what is killed with it in our own buffer has handed nothing over.
    if (killAt === 'after hand-over') write.call(socket, '', () => reach('after hand-over'));
    return answer;
  };
  socket.push = (chunk, ...rest) => {
    if (isAwaited && chunk?.toString('latin1').startsWith('250')) reach('before the 250');
    isAwaited = false;
    return push.call(socket, chunk, ...rest);
  };
}

wrap(SqlLinkStore, 'insert', 'before insert', 'after insert');
wrap(SqlLinkStore, 'claimDue', 'before claim', 'after claim', hasDueMail);
wrap(Mailer, 'send', 'before hand-over', 'after the 250');
subscribe('net.client.socket', ({ socket }) =>
  socket.once('connect', () => socket.remotePort === Number(new URL(relay).port) && watch(socket)),
);
wrap(SqlLinkStore, 'settle', 'before settle', 'after settle');
wrap(SqlLinkStore, 'redeem', 'before redeem', 'after redeem');

await import(pathToFileURL(main).href);
