import { withServer } from '../bed.mjs';
import oncelink from '../subjects/oncelink.mjs';

const TIMES = 5;
/**
 * Who asks, and where. A crowd's connections ask each at its own pace, or as fast as they are answered if that is slower:
 * one generator cannot ask a quick database for more than its core allows, and then nobody has to wait for long. A disk
 * that takes its time (commit_delay) can be asked for too much.
 */
const CASES = [
  { name: 'sqlite', engine: 'sqlite', callers: 50, crowd: 1_000 },
  { name: 'postgres', engine: 'postgres', callers: 50, crowd: 1_000 },
  { name: 'postgres, 100 ms a flush', engine: 'postgres', callers: 600, crowd: 3_000, flush: 100_000 },
];

/** What is left of the best rate of good answers while five times as much is asked for, and how soon the rest is told. */
export async function* measureOverload(options, postgres, say) {
  const results = [];
  for (const { name, engine, callers, crowd: size, flush } of CASES) {
    const fill = flush && ((home) => postgres.delayFlushes(home.databaseUrl, flush));
    const use = async ({ load }) => {
      await load.run('mint', { connections: callers, milliseconds: options.warmUp });
      const peak = await load.run('mint', { connections: callers, milliseconds: options.together });
      const pause = (size / (TIMES * peak.rate)) * 1000;
      const crowd = await load.run('mint', { connections: size, milliseconds: options.together, pause });
      return { name, callers, size, asked: crowd.requests / crowd.seconds, peak, crowd };
    };
    const result = await withServer({ subject: oncelink, engine }, postgres, use, { fill });
    results.push(result);
    say(
      `overload on ${name}: ${Math.round(result.crowd.rate)} good answers/s of at most ${Math.round(result.peak.rate)}`,
    );
    yield results;
  }
}
