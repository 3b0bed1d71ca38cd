import type { Courier } from '../links/courier.js';
import type { LinkStore } from '../links/link-store.js';

export interface HealthReport {
  readonly status: 'ok' | 'unavailable';
  readonly checks: Readonly<Record<'database' | 'courier' | 'accepting', 'ok' | 'failed'>>;
}

/** Whether this instance should get traffic. */
export class Health {
  private draining = false;

  constructor(
    private readonly store: LinkStore,
    private readonly courier: Courier,
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
    return { status: Object.values(checks).every((check) => check === 'ok') ? 'ok' : 'unavailable', checks };
  }
}
