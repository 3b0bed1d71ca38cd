import type { Courier } from '../links/courier.js';
import type { LinkStore } from '../links/link-store.js';
import type { CircuitState } from '../mail/circuit.js';
import type { Mailer } from '../mail/mailer.js';
import type { KeptFile } from './kept-file.js';

export interface HealthReport {
  readonly status: 'ok' | 'unavailable';
  readonly checks: Readonly<Record<'database' | 'courier' | 'accepting', 'ok' | 'failed'>>;
  /** For people to see; mail waits for its relay, so minting goes on without one. */
  readonly relays: readonly { readonly relay: string; readonly circuit: CircuitState }[];
}

/** Whether this instance should get traffic. */
export class Health {
  /** Hears once of each thing that befalls the database's file. */
  onFileFault: (fault: string) => void = () => {};
  private draining = false;
  private told: string | undefined;

  /** @param file of a database that has one */
  constructor(
    private readonly store: LinkStore,
    private readonly courier: Courier,
    private readonly mailer: Mailer,
    private readonly file?: KeptFile,
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
    const answers = await this.store.newestId().then(
      () => true,
      () => false,
    );
    const checks = {
      database: answers && (await this.isFileKept()) ? 'ok' : 'failed',
      courier: this.courier.isRunning ? 'ok' : 'failed',
      accepting: this.draining ? 'failed' : 'ok',
    } as const;
    const status = Object.values(checks).every((check) => check === 'ok') ? 'ok' : 'unavailable';
    return { status, checks, relays: this.mailer.circuits() };
  }

  private async isFileKept(): Promise<boolean> {
    const fault = await this.file?.fault();
    if (fault !== undefined && fault !== this.told) this.onFileFault(fault);
    this.told = fault;
    return fault === undefined;
  }
}
