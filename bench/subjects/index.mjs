import authjs from './authjs.mjs';
import { bare, bareNarrow } from './bare.mjs';
import { betterAuth, betterAuthWal } from './better-auth.mjs';
import handWritten from './hand-written.mjs';
import oncelink from './oncelink.mjs';

/**
 * What is measured. A subject is a server (`main`, `environment`, `ready`, and `prepare` for its database) and the
 * requests that mint, for a name, and redeem with it; `minted` judges the answer to the first, and `redeem` makes the second
 * from it, whose answer `won` judges.
 */
export const SUBJECTS = [oncelink, bare, bareNarrow, betterAuth, betterAuthWal, authjs, handWritten];

export function subjectById(id) {
  const subject = SUBJECTS.find((one) => one.id === id);
  if (!subject) throw new Error(`no subject ${id}; there are ${SUBJECTS.map((one) => one.id).join(', ')}`);
  return subject;
}

/** Each subject on each of its engines, in the order in which a round visits them: who is compared stands side by side. */
export function contestants(ids) {
  const subjects = ids.map(subjectById);
  const engines = new Set(subjects.flatMap((subject) => subject.engines));
  return [...engines].flatMap((engine) =>
    subjects.filter((subject) => subject.engines.includes(engine)).map((subject) => ({ subject, engine })),
  );
}
