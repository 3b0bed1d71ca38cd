import { parseArgs } from 'node:util';
import { SUBJECTS } from './subjects/index.mjs';

export const SECTIONS = ['rates', 'overload', 'growth', 'mail', 'floods'];

const USAGE = `node bench/run.mjs [options]
  --quick            short rounds: shows that it works; the figures are worth little
  --only a,b         of the subjects ${SUBJECTS.map(({ id }) => id).join(', ')}
  --sections a,b     of ${SECTIONS.join(', ')}
  --rounds N         alternating rounds, at least 1 (default 5, quick 1)
  --rows N           rows in the large table of the growth section (default 1000000)
  --help`;

/** How long each step lasts, in ms. */
const FULL = {
  warmUp: 2_500,
  warmUpAlone: 5_000,
  alone: 2_000,
  together: 4_000,
  crowded: 3_000,
  racedTokens: 20,
  mails: 200,
  throughput: 5_000,
  flood: 5_000,
};
const QUICK = {
  warmUp: 500,
  warmUpAlone: 500,
  alone: 500,
  together: 700,
  crowded: 1_000,
  racedTokens: 5,
  mails: 20,
  throughput: 500,
  flood: 1_000,
};

/** @throws with the usage for anything that cannot be meant */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      sections: { type: 'string' },
      rounds: { type: 'string' },
      rows: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) throw new Error(USAGE);
  return {
    quick: values.quick,
    /** no subject left out and nothing cut short: worth keeping, if only some of the sections */
    kept: !values.quick && !values.only && !values.rounds,
    subjects: chosen(
      values.only,
      SUBJECTS.map(({ id }) => id),
    ),
    sections: chosen(values.sections, SECTIONS),
    rounds: number(values.rounds, values.quick ? 1 : 5),
    rows: number(values.rows, values.quick ? 20_000 : 1_000_000),
    ...(values.quick ? QUICK : FULL),
  };
}

function chosen(text, all) {
  const names = text?.split(',').map((name) => name.trim()) ?? all;
  if (names.every((name) => all.includes(name))) return names;
  throw new Error(USAGE);
}

function number(text, preset) {
  if (text === undefined) return preset;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(USAGE);
}
