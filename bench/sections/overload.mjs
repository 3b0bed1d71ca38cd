import { withServer } from '../bed.mjs';
import { medianOf } from '../statistics.mjs';
import { bare } from '../subjects/bare.mjs';
import oncelink from '../subjects/oncelink.mjs';

/**
 * How much the crowd would ask for, against the most, if nobody waited for an answer. Those who are taken wait for about
 * a second, and so it is five times as much or a little more.
 */
const TIMES = 9;
/**
 * Who asks, and where. A crowd's connections ask each at its own pace, or as fast as they are answered if that is slower:
 * one generator cannot ask a quick database for more than its core allows, and then nobody has to wait for long. A
 * database that takes its time for each batch can be asked for too much; the bare reference refuses nobody.
 */
const CASES = [
  { name: 'sqlite', engine: 'sqlite', callers: 50, size: 1_000, subjects: [oncelink, bare] },
  { name: 'postgres', engine: 'postgres', callers: 50, size: 1_000, subjects: [oncelink, bare] },
  {
    name: 'postgres, 500 ms a batch',
    engine: 'postgres',
    callers: 512,
    size: 3_000,
    slow: 500,
    subjects: [oncelink],
  },
];

/** What is left of the best rate of good answers while far more is asked for, and how soon the rest is told. */
export async function* measureOverload(options, postgres, say) {
  const results = [];
  for (const { name, engine, callers, size, slow, subjects } of CASES) {
    const fill = slow && ((home) => postgres.slowDown(home.databaseUrl, slow));
    for (const subject of subjects) {
      const use = (bed) => alternately(bed, { callers, size }, options);
      const rounds = await withServer({ subject, engine }, postgres, use, { fill });
      const typical = medianOf(rounds);
      results.push({ id: subject.id, title: subject.title, name, callers, size, slow, ...typical, rounds });
      const { peak, crowd, kept } = typical;
      say(
        `overload of ${subject.id} on ${name}: ${Math.round(crowd.rate)} good answers/s of ${Math.round(peak.rate)}, ${kept.toFixed(2)} ×`,
      );
      yield results;
    }
  }
}

/**
 * Few callers and the crowd take turns, so that a machine that is slow for a while is so for both. The first turn of each
 * warms up and does not count: how to refuse has to be compiled, too.
 */
async function alternately({ load, measure }, { callers, size }, { warmUp, crowded, rounds: count }) {
  const rounds = [];
  for (let round = 0; round <= count; round++) {
    const milliseconds = round === 0 ? warmUp : crowded;
    const peak = await measure('mint', { connections: callers, milliseconds });
    const pause = (size / (TIMES * peak.rate)) * 1000;
    const crowd = await measure('mint', { connections: size, milliseconds, pause });
    if (round > 0) rounds.push({ asked: crowd.requests / crowd.seconds, kept: crowd.rate / peak.rate, peak, crowd });
  }
  return rounds;
}
