import { setTimeout as pause } from 'node:timers/promises';
import { elapsed } from '../clock.js';
import { Unavailable } from '../links/errors.js';

/** How long a start asks, in ms. */
const START_PATIENCE = 15_000;
const PAUSE = 100;

/**
 * Asks what a start needs to know again and again: nobody waits for an answer yet, and while the templates are read, a
 * slow machine does not hear one in the time a request has. @throws Error in an operator's words, and whatever is no
 * matter of time
 */
export async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const end = elapsed() + START_PATIENCE; ; await pause(PAUSE)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (elapsed() > end) throw new Error('The database does not answer. Start again when it does.', { cause: error });
    }
  }
}
