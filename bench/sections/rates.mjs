import { withServer } from '../bed.mjs';
import { foreignLoad } from '../quiet.mjs';
import { medianOf } from '../statistics.mjs';
import { contestants } from '../subjects/index.mjs';

export const CONCURRENCY = [1, 50];
const RACERS = 20;

/**
 * Every contestant in every round, one after the other (A B C A B C …), each time as a new process on an empty database.
 * @yields after each round, for each contestant its samples, one per round, and their medians
 */
export async function* measureRates(options, postgres, say) {
  const all = contestants(options.subjects).map((contestant) => ({ ...contestant, samples: [] }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const contestant of all) {
      const busyBefore = await foreignLoad();
      const sample = await withServer(contestant, postgres, (bed) => oneSample(bed, options));
      contestant.samples.push({ busyBefore, ...sample });
      const { mint, redeem } = sample[`at${CONCURRENCY.at(-1)}`];
      say(
        `round ${round}/${options.rounds}  ${contestant.subject.id} on ${contestant.engine}:`,
        `${Math.round(mint.rate)} mint/s, ${Math.round(redeem.rate)} redeem/s`,
      );
    }
    yield all.map(summary);
  }
}

function summary({ subject, engine, samples }) {
  return {
    id: subject.id,
    title: subject.title,
    engine,
    note: subject.note,
    median: medianOf(samples),
    letIn: samples.flatMap((sample) => sample.letIn),
    samples: [...samples],
  };
}

async function oneSample({ service, load, measure }, { warmUp, warmUpAlone, alone, together, racedTokens }) {
  const { residentBytes: residentAtRest } = await service.begin();
  // By both: what many share in one batch is hot after many more requests than what each of them runs.
  for (const [connections, milliseconds] of [
    [CONCURRENCY.at(-1), warmUp],
    [1, warmUpAlone],
  ])
    for (const command of ['mint', 'redeem']) await load.run(command, { connections, milliseconds });
  const sample = { startedIn: service.startedIn, residentAtRest };
  for (const connections of CONCURRENCY) {
    const milliseconds = connections === 1 ? alone : together;
    sample[`at${connections}`] = {
      mint: await measure('mint', { connections, milliseconds }),
      redeem: await measure('redeem', { connections, milliseconds }),
    };
  }
  sample.residentAtPeak = (await service.end()).peakBytes;
  sample.letIn = (await load.run('race', { racers: RACERS, tokens: racedTokens })).letIn;
  return sample;
}
