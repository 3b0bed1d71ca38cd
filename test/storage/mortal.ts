import type { DataSource } from 'typeorm';
import type { Database } from '../../src/storage/engines.js';

interface Runner {
  query(...words: unknown[]): Promise<unknown>;
  connect(): Promise<{ rowsBehind(...words: unknown[]): Promise<unknown> }>;
  release(): Promise<void>;
}

/** A process as its database sees it: it may die while a statement is out, and hears no answer from then on. */
export class Mortal {
  /** the database, as this process reaches it */
  readonly database: Database;
  private isDead = false;
  private end: { after: number; lands: boolean } | undefined;

  constructor({ dataSource, dialect }: Database) {
    const createQueryRunner = (): Runner => this.watched(dataSource.createQueryRunner());
    this.database = { dialect, dataSource: { createQueryRunner } as unknown as DataSource };
  }

  /** Dies with its statement after so many more, which is carried out or not: the answer is lost either way. */
  dieAfter(after: number, lands: boolean): void {
    this.end = { after, lands };
  }

  private watched(runner: Runner): Runner {
    return {
      query: (...words) => this.carryOut(() => runner.query(...words)),
      connect: async () => ({
        rowsBehind: (...words) => this.carryOut(async () => (await runner.connect()).rowsBehind(...words)),
      }),
      release: () => runner.release(),
    };
  }

  private async carryOut<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const isLast = !this.isDead && this.end?.after === 0;
    if (this.end) this.end.after -= 1;
    if (isLast) this.isDead = true;
    const answer = !this.isDead || (isLast && this.end!.lands) ? await ask() : undefined;
    // With a severity, as PostgreSQL's own: there is no connection to close.
    if (this.isDead) throw Object.assign(new Error('dead'), { severity: 'FATAL' });
    return answer!;
  }
}
