import type { DataSource } from 'typeorm';
import type { Database } from '../../src/storage/engines.js';

type Ask = (...words: unknown[]) => Promise<unknown>;
interface Connection {
  rows: Ask;
  rowsBehind: Ask;
  release(closed?: boolean): void;
}
interface Driver {
  master?: { connect(): Promise<Connection> };
}

/** A process as its database sees it: it may die while a statement is out, and hears no answer from then on. */
export class Mortal {
  /** the database, as this process reaches it */
  readonly database: Database;
  private isDead = false;
  private end: { after: number; lands: boolean } | undefined;

  constructor({ dataSource, dialect }: Database) {
    const { master: pool } = dataSource.driver as Driver;
    const driver: Driver = { master: { connect: async () => this.watched(await pool!.connect()) } };
    const query: Ask = (sql, values) => this.carryOut(() => dataSource.query(sql as string, values as unknown[]));
    this.database = { dialect, dataSource: { driver, query } as unknown as DataSource };
  }

  /** Dies with its statement after so many more, which is carried out or not: the answer is lost either way. */
  dieAfter(after: number, lands: boolean): void {
    this.end = { after, lands };
  }

  /** The connection itself is well: it does not end with whoever had it. */
  private watched(connection: Connection): Connection {
    return {
      rows: (...words) => this.carryOut(() => connection.rows(...words)),
      rowsBehind: (...words) => this.carryOut(() => connection.rowsBehind(...words)),
      release: () => connection.release(),
    };
  }

  private async carryOut<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const isLast = !this.isDead && this.end?.after === 0;
    if (this.end) this.end.after -= 1;
    if (isLast) this.isDead = true;
    const answer = !this.isDead || (isLast && this.end!.lands) ? await ask() : undefined;
    if (this.isDead) throw new Error('dead');
    return answer!;
  }
}
