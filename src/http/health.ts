import type { Courier } from '../links/courier.js';
import type { LinkStore } from '../links/link-store.js';
import type { CircuitState } from '../mail/circuit.js';
import type { Mailer } from '../mail/mailer.js';

export interface HealthReport {
  readonly status: 'ok' | 'unavailable';
  readonly checks: Readonly<Record<'database' | 'courier' | 'accepting', 'ok' | 'failed'>>;
  /** For people to see; mail waits for its relay, so minting goes on without one. */
  readonly relays: readonly { readonly relay: string; readonly circuit: CircuitState }[];
}

/** Whether this instance should get traffic. */
export class Health {
  private draining = false;

  constructor(
    private readonly store: LinkStore,
    private readonly courier: Courier,
    private readonly mailer: Mailer,
  ) {}

  /** From now on the instance is not ready: it is shutting down. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  async report(): Promise<HealthReport> {
    // Reads the links table itself: it answers only if the schema is there.
    const database = await this.store.newestId().then(
      () => 'ok' as const,
      () => 'failed' as const,
    );
    const checks = {
      database,
      courier: this.courier.isRunning ? 'ok' : 'failed',
      accepting: this.draining ? 'failed' : 'ok',
    } as const;
    const status = Object.values(checks).every((check) => check === 'ok') ? 'ok' : 'unavailable';
    return { status, checks, relays: this.mailer.circuits() };
  }
}
