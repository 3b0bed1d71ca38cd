import { setTimeout as pause } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { elapsed } from '../clock.js';
import { Unavailable } from '../links/errors.js';
import type { Dialect } from './dialects.js';
import type { Database } from './engines.js';
import type { PostgresConnection } from './postgres-connection.js';
import type { SqliteConnection } from './sqlite-connection.js';

/** Longest wait for an answer, in ms: whoever asks hears within two seconds. */
export const PATIENCE = 1_800;
/** Pause before a busy database is asked again, in ms. */
const BUSY_PAUSE = 5;
/**
 * A busy database is not asked for the last time just before its caller is told: what a thread of a busy machine begins
 * late could be carried out after that. In ms.
 */
const LAST_CALL = 100;

/** The database refuses a value for good: a fault of ours, and of one row only. Asking again would not help. */
export class RowFault extends Error {}

/** Runs single statements. Whatever the database cannot answer in time is `Unavailable`. */
export class Queries {
  private readonly dataSource: DataSource;
  private readonly dialect: Dialect;

  constructor({ dataSource, dialect }: Database) {
    this.dataSource = dataSource;
    this.dialect = dialect;
  }

  /**
   * @param deadline when to give up, in ms as `elapsed` counts them
   * @returns the rows a statement selects or returns. @throws Unavailable, RowFault
   */
  rows<Row>(sql: string, values: unknown[], deadline = elapsed() + PATIENCE): Promise<Row[]> {
    const bound = this.dialect.bind(values);
    const ask = async (): Promise<Row[]> =>
      this.dialect.remote
        ? this.connected((connection) => connection.rows<Row>(sql, bound))
        : rowsOf<Row>(await this.dataSource.query(sql, bound));
    return this.answered(deadline, ask, () => this.withdraw(bound));
  }

  /** The same in a transaction that first takes a lock; with no lock to take, a statement of its own. */
  rowsUnder<Row>(
    lock: string | null,
    keys: string[],
    sql: string,
    values: unknown[],
    deadline = elapsed() + PATIENCE,
  ): Promise<Row[]> {
    if (lock === null) return this.rows(sql, values, deadline);
    const ask = (): Promise<Row[]> =>
      this.connected((connection) => connection.rowsBehind<Row>(lock, keys, sql, values));
    return this.answered(deadline, ask);
  }

  /**
   * Works on a connection of TypeORM's pool. One that did not answer is closed and never used again: it may be dead, or
   * still in the middle of a transaction, and whatever is written there next would be acknowledged and never committed.
   * So is one whose own fault an answer may be, for it would give that answer for ever. Without a query runner in
   * between, which would only be more to do for a lone request.
   */
  private async connected<Answer>(work: (connection: PostgresConnection) => Promise<Answer>): Promise<Answer> {
    const { master: pool } = this.dataSource.driver as unknown as { master: Pool };
    const connection = (await pool.connect()) as PostgresConnection & PoolClient;
    try {
      const answer = await work(connection);
      connection.release();
      return answer;
    } catch (error) {
      connection.release(!isOfStatement(error));
      throw error;
    }
  }

  /** @param onLate carried out when the deadline has passed without an answer */
  private async answered<Answer>(deadline: number, ask: () => Promise<Answer>, onLate?: () => void): Promise<Answer> {
    try {
      return await within(deadline, this.untilFree(deadline, ask), onLate);
    } catch (error) {
      if (isRowFault(error)) throw new RowFault('the database refuses a value', { cause: error });
      throw new Unavailable({ cause: error });
    }
  }

  /** SQLite does one thing at a time: what still waits for its turn when its caller has been answered must never have it. */
  private withdraw(bound: unknown[]): void {
    const { databaseConnection } = this.dataSource.driver as { databaseConnection?: Partial<SqliteConnection> };
    databaseConnection?.withdraw?.(bound);
  }

  /**
   * Asks again while another process holds the file. Waiting happens here and not inside the engine, because a statement
   * that the engine still holds when its caller has been told "unavailable" would be carried out afterwards.
   */
  private async untilFree<Answer>(deadline: number, ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!this.dialect.isBusy(error)) throw error;
        await pause(BUSY_PAUSE);
        if (elapsed() >= deadline - LAST_CALL) throw error;
      }
    }
  }
}

/** A remote database, or a disk that stands still, may never answer; then the outcome is unknown, which is no verdict either. */
async function within<Answer>(deadline: number, answer: Promise<Answer>, onLate?: () => void): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      reject(new Error('no answer from the database in time'));
      onLate?.();
    };
    // What the database has answered while we were busy is heard first: it may have been carried out.
    timer = setTimeout(() => setImmediate(giveUp), Math.max(0, deadline - elapsed()));
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The errors of PostgreSQL that are about one statement and not its session: data exceptions, violated constraints, no
 * serial order, a deadlock, a lock that is not free, a statement that was cancelled or took too long. After any other
 * the session may have a server that was demoted, or plans and prepared statements that are no longer good.
 */
const OF_STATEMENT = /^(?:2[23][0-9A-Z]{3}|40001|40P01|55P03|57014)$/;

function isOfStatement(error: unknown): boolean {
  return OF_STATEMENT.test(String((error as { code?: unknown }).code));
}

/** A violated constraint of SQLite; on PostgreSQL, the classes "data exception" and "integrity constraint violation". */
function isRowFault(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return false;
  return code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH' || /^2[23][0-9A-Z]{3}$/.test(code);
}

/** TypeORM answers a write without rows with what its driver likes. */
function rowsOf<Row>(result: unknown): Row[] {
  return Array.isArray(result) ? (result as Row[]) : [];
}
