// Preloaded into every server under measurement: answers, over the IPC channel, what the process has used so far.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** ms between two looks at the loop; Node counts them as delay, so they are taken off again */
const RESOLUTION = 2;

if (isMainThread && process.send) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  process.on('message', (question) => {
    if (question === 'begin') {
      delay.reset();
      delay.enable();
    } else if (question === 'end') delay.disable();
    else return;
    const { user, system } = process.cpuUsage();
    process.send({
      probe: {
        cpuMicros: user + system,
        residentBytes: process.memoryUsage.rss(),
        peakBytes: process.resourceUsage().maxRSS * 1024,
        loopDelayP99: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION),
      },
    });
  });
  // Nothing of ours outlives the bench.
  process.on('disconnect', () => process.exit());
  // The server must be able to end as if nobody were watching.
  process.channel.unref();
}
