import { withServer } from '../bed.mjs';
import { medianOf } from '../statistics.mjs';
import oncelink from '../subjects/oncelink.mjs';
import { fill } from './fill.mjs';

const FEW = 1_000;

/**
 * Whether Oncelink's cost grows with its table: minting and redeeming recent links beside 1,000 old rows and beside many,
 * alternately. Each round fills a table of its own, so that neither size profits from the round before.
 */
export async function* measureGrowth(options, postgres, say) {
  const results = [];
  for (const engine of oncelink.engines) {
    const samples = { few: [], many: [] };
    const rounds = options.rows > 2_000_000 ? Math.min(3, options.rounds) : options.rounds;
    for (let round = 1; round <= rounds; round++) {
      for (const [size, rows] of Object.entries({ few: FEW, many: options.rows })) {
        const sample = await withServer({ subject: oncelink, engine }, postgres, (bed) => oneSample(bed, options), {
          fill: (home) => fill(home.databaseUrl, rows),
        });
        samples[size].push(sample);
        say(
          `growth ${round}/${rounds}  ${engine} with ${rows} rows:`,
          `${Math.round(sample.mint.rate)} mint/s, ${Math.round(sample.redeem.rate)} redeem/s`,
        );
      }
    }
    results.push({ engine, rows: options.rows, few: medianOf(samples.few), many: medianOf(samples.many), samples });
    yield results;
  }
}

async function oneSample({ load, measure }, { warmUp, together }) {
  const connections = 50;
  for (const command of ['mint', 'redeem']) await load.run(command, { connections, milliseconds: warmUp });
  return {
    mint: await measure('mint', { connections, milliseconds: together }),
    redeem: await measure('redeem', { connections, milliseconds: together }),
  };
}
