import pg from 'pg';

/** The names under which connections keep their prepared statements. Ours are few and constant. */
const names = new Map<string, string>();

/** Prepares each statement with parameters once per connection: planning one takes as long as carrying it out. */
export class PostgresConnection extends pg.Client {
  private readonly prepared = new Set<string>();

  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // Whoever waits for an answer is told, and the pool takes out what has no more to give.
    this.on('error', () => undefined);
  }

  /** The rows that a statement selects or returns. */
  rows<Row>(text: string, values: unknown[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.query(
        statement(text, values, (error, result) => (error ? reject(error) : resolve((result as pg.QueryResult).rows))),
      );
    });
  }

  /**
   * The rows of a statement behind one that takes a lock, in one transaction and one journey: whatever is sent before a
   * Sync is committed by it together (PostgreSQL, Message Flow, Pipelining). The second begins, and looks at what was
   * committed, when the lock is held.
   */
  async rowsBehind<Row>(lock: string, keys: string[], text: string, values: unknown[]): Promise<Row[]> {
    // By itself the first time: were it refused there, nobody could tell which of the two was prepared.
    if (!this.prepared.has(lock)) await this.rows(lock, ['[]']);
    this.prepared.add(lock);
    const both = await new Promise<[pg.QueryResult, pg.QueryResult]>((resolve, reject) => {
      const query = statement(text, values, (error, results) => (error ? reject(error) : resolve(results as never)));
      const submit = query.submit.bind(query);
      query.submit = (connection) => {
        connection.stream.cork();
        connection.bind({ portal: '', statement: nameOf(lock), values: keys }, true);
        connection.describe({ type: 'P', name: '' }, true);
        connection.execute({ portal: '' }, true);
        const fault = submit(connection);
        connection.stream.uncork();
        return fault;
      };
      this.query(query);
    });
    return both[1].rows as Row[];
  }
}

/** The driver copies the description of a query property by property, unless it is given its parts. */
function statement(
  text: string,
  values: unknown[],
  done: (error: Error | null, results: unknown) => void,
): pg.Query & { name?: string } {
  const query = new pg.Query(text, values, done as never) as pg.Query & { name?: string };
  if (values.length > 0) query.name = nameOf(text);
  return query;
}

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `oncelink_${names.size}`));
  return name;
}
