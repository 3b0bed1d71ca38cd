import { withServer } from '../bed.mjs';
import oncelink from '../subjects/oncelink.mjs';

const CALLERS = 50;
const TIMES = 5;
/** Connections of the crowd: each asks at its own pace, or as fast as it is answered if that is slower. */
const CROWD = 1_000;

/** What is left of the best rate of good answers while five times as much is asked for, and how soon the rest is told. */
export async function measureOverload(options, postgres, say) {
  const results = [];
  for (const engine of oncelink.engines) {
    const result = await withServer({ subject: oncelink, engine }, postgres, async ({ load }) => {
      await load.run('mint', { connections: CALLERS, milliseconds: options.warmUp });
      const peak = await load.run('mint', { connections: CALLERS, milliseconds: options.together });
      const pause = (CROWD / (TIMES * peak.rate)) * 1000;
      const crowd = await load.run('mint', { connections: CROWD, milliseconds: options.together, pause });
      return { engine, asked: crowd.requests / crowd.seconds, peak, crowd };
    });
    results.push(result);
    say(
      `overload on ${engine}: ${Math.round(result.crowd.rate)} good answers/s of at most ${Math.round(result.peak.rate)}`,
    );
  }
  return results;
}
