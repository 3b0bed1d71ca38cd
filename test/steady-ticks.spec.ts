import { setImmediate as turn } from 'node:timers/promises';
import { keptTick } from '../src/steady-ticks.js';

test('what a tick queues is kept, so that its shape is never forgotten', async () => {
  await turn();
  expect(keptTick()).toHaveProperty('callback');
});
