import sqlite3 from 'sqlite3';

type Answer = (this: sqlite3.Statement, error: Error | null, rows?: unknown[]) => void;

interface Step {
  readonly begin: () => void;
  /** of a statement: its values, if it has any, and what is called with its answer */
  readonly rest?: readonly unknown[];
}

/**
 * A connection that does one thing at a time, and prepares each statement with parameters once: ours are few and constant,
 * and preparing one takes longer than writing a row.
 *
 * Left to itself, `sqlite3` runs statements of one connection side by side and puts failed ones away later. A write that
 * is refused as busy stays open until then, and any other write in the meantime joins its transaction: it is answered,
 * and then rolled back with it. So what failed is finalized before the next statement begins.
 */
export class SqliteConnection extends sqlite3.Database {
  private readonly prepared = new Map<string, sqlite3.Statement>();
  private waiting: Step[] = [];
  private busy = false;

  override all(sql: string, ...rest: unknown[]): this {
    return this.inTurn({ rest, begin: () => this.carryOut('all', sql, rest) });
  }

  override run(sql: string, ...rest: unknown[]): this {
    return this.inTurn({ rest, begin: () => this.carryOut('run', sql, rest) });
  }

  /** Takes a statement back, by the very array of its values, if it has not begun. */
  withdraw(values: unknown[]): void {
    const taken = this.waiting.find(({ rest }) => rest?.[0] === values);
    if (!taken) return;
    this.waiting = this.waiting.filter((step) => step !== taken);
    (taken.rest!.at(-1) as (error: Error) => void)(new Error('the statement was taken back before it began'));
  }

  override close(done?: (error: Error | null) => void): void {
    const begin = (): void => {
      for (const statement of this.prepared.values()) statement.finalize();
      this.prepared.clear();
      super.close(done);
      this.next();
    };
    this.inTurn({ begin });
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

  private inTurn(step: Step): this {
    this.waiting.push(step);
    if (!this.busy) this.next();
    return this;
  }

  private next(): void {
    const step = this.waiting.shift();
    this.busy = step !== undefined;
    step?.begin();
  }
}

/**
 * What TypeORM takes for `sqlite3`. It asks for the verbose mode, which keeps all arguments of every call for the stack of
 * an error: slow, and it would put what is stored into messages.
 */
export const sqliteDriver = { ...sqlite3, Database: SqliteConnection, verbose: () => sqliteDriver };
