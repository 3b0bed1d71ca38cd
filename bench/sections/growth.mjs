import { withServer } from '../bed.mjs';
import { makeHome } from '../service.mjs';
import { medianOf } from '../statistics.mjs';
import oncelink from '../subjects/oncelink.mjs';
import { fill } from './fill.mjs';

const FEW = 1_000;

/**
 * Whether Oncelink's cost grows with its table: minting and redeeming recent links beside 1,000 old rows and beside many.
 * Each round begins with copies of the filled tables, so that neither size profits from the round before.
 */
export async function* measureGrowth(options, postgres, say) {
  const results = [];
  for (const engine of oncelink.engines) {
    const measureAll = (few) =>
      withTable(engine, options.rows, postgres, (many) => measureRounds(engine, { few, many }, options, postgres, say));
    const rounds = await withTable(engine, FEW, postgres, measureAll);
    results.push({ engine, rows: options.rows, ...medianOf(rounds), rounds });
    yield results;
  }
}

/** A filled database to be copied, for the time of `use`. */
async function withTable(engine, rows, postgres, use) {
  const own = engine === 'postgres' ? await postgres.createDatabase() : undefined;
  const home = await makeHome(own);
  try {
    await oncelink.prepare(home);
    await fill(home.databaseUrl, rows);
    return await use(home.databaseUrl);
  } finally {
    if (own) await postgres.dropDatabase(own);
    home.discard();
  }
}

async function measureRounds(engine, tables, options, postgres, say) {
  const rounds = [];
  const open = (template, use) => withServer({ subject: oncelink, engine }, postgres, use, { template });
  while (rounds.length < options.rounds) {
    const round = await open(tables.few, (few) => open(tables.many, (many) => inTurn({ few, many }, options)));
    rounds.push(round);
    const { mint, redeem } = round.many;
    say(
      `growth ${rounds.length}/${options.rounds}  ${engine} with ${options.rows} rows: ${Math.round(mint.rate)} mint/s,`,
      `${Math.round(redeem.rate)} redeem/s; ${round.kept.mint.toFixed(2)} and ${round.kept.redeem.toFixed(2)} × of few`,
    );
  }
  return rounds;
}

/** Both servers are there all the time and have their turns, so that a machine that is slow for a while is so for both. */
async function inTurn(beds, { warmUp, together }) {
  const connections = 50;
  const milliseconds = together / 2;
  for (const { load } of Object.values(beds))
    for (const command of ['mint', 'redeem']) await load.run(command, { connections, milliseconds: warmUp });
  const samples = { few: [], many: [] };
  for (const size of ['few', 'many', 'many', 'few']) {
    const { measure } = beds[size];
    const mint = await measure('mint', { connections, milliseconds });
    samples[size].push({ mint, redeem: await measure('redeem', { connections, milliseconds }) });
  }
  const [few, many] = [medianOf(samples.few), medianOf(samples.many)];
  const kept = { mint: many.mint.rate / few.mint.rate, redeem: many.redeem.rate / few.redeem.rate };
  return { few, many, kept };
}
