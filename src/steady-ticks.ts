// Imported first, for its effect. `process.nextTick` knows the shape of what it queues only as long as something has that
// shape: V8 holds shapes weakly, and one collection of the old heap while nothing is queued, as starting makes several,
// leaves it on its slow path for good. That was 3 % of the CPU of a busy service (Node 20). So one of them is kept.
import { executionAsyncResource } from 'node:async_hooks';

let kept: object | undefined;
process.nextTick(() => (kept = executionAsyncResource()));

/** What keeps the shape, once a tick has passed. */
export function keptTick(): object | undefined {
  return kept;
}
