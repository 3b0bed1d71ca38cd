// The built service, which ends itself with kill -9 at one named point of its work: `KILL_AT` names the point, `KILL_AFTER`
// says how often it is passed before. Production code knows nothing of this: its classes are wrapped from outside.
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const { ONCELINK_MAIN: main, KILL_AT: killAt, KILL_AFTER: passes = '0' } = process.env;
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

wrap(SqlLinkStore, 'insert', 'before insert', 'after insert');
wrap(SqlLinkStore, 'claimDue', 'before claim', 'after claim', hasDueMail);
wrap(Mailer, 'send', 'before hand-over', 'after the 250');
wrap(SqlLinkStore, 'settle', undefined, 'after settle');
wrap(SqlLinkStore, 'redeem', 'before redeem', 'after redeem');

await import(pathToFileURL(main).href);
