import type { Clock } from '../clock.js';

/** Failures in a row after which a relay is left alone, and for how long, in ms. */
const THRESHOLD = 5;
const COOL_OFF = 30_000;

export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * Keeps mails from queueing up in front of a relay that does not work: after some failures in a row nothing is tried
 * there for a while (open), then one mail is (half-open), and its outcome decides. Of this process only: it is about
 * whether the relay can be reached from here, and says nothing about a mail.
 */
export class Circuit {
  private failures = 0;
  private openedAt = 0;
  private probing = false;

  constructor(private readonly clock: Clock) {}

  get state(): CircuitState {
    if (this.failures < THRESHOLD) return 'closed';
    // Looked at both ways: a clock that steps back must not keep it open for longer.
    return Math.abs(this.clock() - this.openedAt) < COOL_OFF ? 'open' : 'half-open';
  }

  /** Whether a mail may be tried now; whoever gets a yes must report how it went, or withdraw. */
  admits(): boolean {
    const { state } = this;
    if (state === 'open' || (state === 'half-open' && this.probing)) return false;
    this.probing = state === 'half-open';
    return true;
  }

  /** The mail was not tried after all. */
  withdraw(): void {
    this.probing = false;
  }

  report(works: boolean): void {
    this.probing = false;
    this.failures = works ? 0 : this.failures + 1;
    if (!works) this.openedAt = this.clock();
  }
}
