import pg from 'pg';

/** The names under which connections keep their prepared statements. Ours are few and constant. */
const names = new Map<string, string>();

/** Prepares each statement with parameters once per connection: planning one takes as long as carrying it out. */
export class PostgresConnection extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const ask = this.query.bind(this) as (...request: unknown[]) => unknown;
    this.query = ((text: unknown, values?: unknown, ...rest: unknown[]) =>
      typeof text === 'string' && Array.isArray(values) && values.length > 0
        ? ask({ name: nameOf(text), text, values }, ...rest)
        : ask(text, values, ...rest)) as typeof this.query;
  }
}

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `oncelink_${names.size}`));
  return name;
}
