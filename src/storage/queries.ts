import type { DataSource, QueryRunner } from 'typeorm';
import { Unavailable } from '../links/errors.js';

/** Longest wait for an answer of the database, in ms; after it the outcome is unknown, so it is no verdict. */
export const PATIENCE = 1_800;

/** The database refuses a value for good: a fault of ours, and of one row only. Asking again would not help. */
export class RowFault extends Error {}

/** Runs single statements. Whatever the database cannot answer, in time, is `Unavailable`. */
export class Queries {
  constructor(private readonly dataSource: DataSource) {}

  /** @returns the rows a statement selects or returns. @throws Unavailable, RowFault */
  rows<Row>(sql: string, values: unknown[]): Promise<Row[]> {
    return answered(this.dataSource.query(sql, values).then((result) => rowsOf<Row>(result)));
  }

  /** The same in a transaction that first takes a lock; with no lock to take, a statement of its own. */
  rowsUnder<Row>(lock: string | null, keys: unknown[], sql: string, values: unknown[]): Promise<Row[]> {
    return lock === null ? this.rows(sql, values) : answered(this.lockedRows(lock, keys, sql, values));
  }

  private async lockedRows<Row>(lock: string, keys: unknown[], sql: string, values: unknown[]): Promise<Row[]> {
    const runner: QueryRunner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      await runner.query(lock, keys);
      const rows = rowsOf<Row>(await runner.query(sql, values));
      await runner.commitTransaction();
      return rows;
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer from the database within ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (isRowFault(error)) throw new RowFault('the database refuses a value', { cause: error });
    throw new Unavailable({ cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** A violated constraint of SQLite; on PostgreSQL, the classes "data exception" and "integrity constraint violation". */
function isRowFault(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return false;
  return code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH' || /^2[23]\d{3}$/.test(code);
}

/** TypeORM answers an UPDATE or DELETE on PostgreSQL with `[rows, count]`, and a write without rows with what it likes. */
function rowsOf<Row>(result: unknown): Row[] {
  if (!Array.isArray(result)) return [];
  const counted = result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number';
  return (counted ? result[0] : result) as Row[];
}
