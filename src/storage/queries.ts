import type { DataSource } from 'typeorm';
import { Unavailable } from '../links/errors.js';

/** Longest wait for an answer of the database, in ms; after it the outcome is unknown, so it is no verdict. */
const PATIENCE = 2_000;

/** Runs single statements. Whatever the database cannot answer, in time, is `Unavailable`. */
export class Queries {
  constructor(private readonly dataSource: DataSource) {}

  /** @returns the rows a statement selects or returns */
  async rows<Row>(sql: string, values: unknown[]): Promise<Row[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer from the database within ${PATIENCE} ms`)), PATIENCE);
      timer.unref();
    });
    try {
      const result: unknown = await Promise.race([this.dataSource.query(sql, values), late]);
      return Array.isArray(result) ? pgRows<Row>(result) : [];
    } catch (error) {
      throw new Unavailable({ cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** TypeORM answers an UPDATE or DELETE on PostgreSQL with `[rows, count]`. */
function pgRows<Row>(result: unknown[]): Row[] {
  return result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number'
    ? (result[0] as Row[])
    : (result as Row[]);
}
