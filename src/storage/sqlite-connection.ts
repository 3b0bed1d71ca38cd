import sqlite3 from 'sqlite3';

type Answer = (this: sqlite3.Statement, error: Error | null, rows?: unknown[]) => void;

/**
 * A connection that does one thing at a time, and prepares each statement with parameters once: ours are few and constant,
 * and preparing one takes longer than writing a row.
 *
 * Left to itself, `sqlite3` runs statements of one connection side by side and puts failed ones away later. A write that
 * is refused as busy stays open until then, and any other write in the meantime joins its transaction: it is answered,
 * and then rolled back with it. So what failed is finalized before the next statement begins.
 */
class SqliteConnection extends sqlite3.Database {
  private readonly prepared = new Map<string, sqlite3.Statement>();
  private readonly waiting: (() => void)[] = [];
  private busy = false;

  override all(sql: string, ...rest: unknown[]): this {
    return this.inTurn(() => this.carryOut('all', sql, rest));
  }

  override run(sql: string, ...rest: unknown[]): this {
    return this.inTurn(() => this.carryOut('run', sql, rest));
  }

  override close(done?: (error: Error | null) => void): void {
    this.inTurn(() => {
      for (const statement of this.prepared.values()) statement.finalize();
      this.prepared.clear();
      super.close(done);
      this.next();
    });
  }

  private carryOut(method: 'all' | 'run', sql: string, rest: unknown[]): void {
    const answer = rest.pop() as Answer;
    const [values = []] = rest as [unknown[]?];
    const keep = values.length > 0;
    const ask = (statement: sqlite3.Statement): void => {
      if (keep) this.prepared.set(sql, statement);
      statement[method](values, (error: Error | null, rows?: unknown[]) => {
        if (keep && !error) {
          this.next();
          return answer.call(statement, error, rows);
        }
        this.prepared.delete(sql);
        statement.finalize(() => {
          this.next();
          answer.call(statement, error, rows);
        });
      });
    };
    const known = this.prepared.get(sql);
    if (known) return ask(known);
    const statement = this.prepare(sql, (error) => {
      if (!error) return ask(statement);
      this.next();
      answer.call(statement, error);
    });
  }

  private inTurn(step: () => void): this {
    this.waiting.push(step);
    if (!this.busy) this.next();
    return this;
  }

  private next(): void {
    const step = this.waiting.shift();
    this.busy = step !== undefined;
    step?.();
  }
}

/**
 * What TypeORM takes for `sqlite3`. It asks for the verbose mode, which keeps all arguments of every call for the stack of
 * an error: slow, and it would put what is stored into messages.
 */
export const sqliteDriver = { ...sqlite3, Database: SqliteConnection, verbose: () => sqliteDriver };
