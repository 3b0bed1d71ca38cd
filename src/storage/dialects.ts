/** What differs between the engines' SQL. Statements are put together once, at start. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** A table expression over a JSON array of objects, so that one constant statement serves any batch. */
  readonly rows: (json: string, columns: Readonly<Record<string, ColumnType>>, alias: string) => string;
  /** The same over the text that `batchText` makes, of whole batches. */
  readonly batch: Dialect['rows'];
  readonly batchText: (rows: readonly object[], columns: readonly string[]) => string;
  /** The columns as one JSON array: a driver hands over one text faster than many cells. */
  readonly packed: (columns: string) => string;
  /**
   * What is added to `column = q.key` so that rows are looked up by their key, however small the planner believes the
   * table to be: without statistics PostgreSQL would read all of it once per batch.
   */
  readonly byKey: (column: string, keys: string) => string;
  /** What a question begins with that only a database which takes writes may answer; nothing is written. */
  readonly ifWritable: string;
  /** Skip rows that another instance is claiming. */
  readonly skipLocked: string;
  /** Lock the rows of `l` in the order in which they are selected. Everybody does so by their ids, and nobody waits in a ring. */
  readonly lockRows: string;
  /**
   * Makes transactions that name the same key ($1: JSON array of keys) wait for each other, so that a count and the
   * insert that relies on it are one step across instances. null: the engine has one writer at a time anyway.
   */
  readonly lock: string | null;
  /** Whether the database is another process, whose answer may never arrive. */
  readonly remote: boolean;
  /** Whether nothing was done because somebody else holds the database just now. */
  readonly isBusy: (error: unknown) => boolean;
  /** The driver's form of the values of `$1`, `$2`, … */
  readonly bind: (values: unknown[]) => unknown[];
}
export type ColumnType = 'text' | 'bigint' | 'integer' | 'json';

/** Each row is turned into JSONB once: reading its members from text would parse the text again for each of them. */
const rowsAt =
  (path: (name: string, index: number) => string): Dialect['rows'] =>
  (json, columns, alias) =>
    `(WITH j AS MATERIALIZED (SELECT jsonb(value) AS row FROM json_each(${json}))
      SELECT ${Object.entries(columns)
        .map(([name, type], index) => `row ${type === 'json' ? '->' : '->>'} '$${path(name, index)}' AS ${name}`)
        .join(', ')} FROM j) AS ${alias}`;

export const sqlite: Dialect = {
  name: 'sqlite',
  rows: rowsAt((name) => `.${name}`),
  // By place: with a name before each value the text is twice as long, and takes twice as long to write, hand over and read.
  batch: rowsAt((_name, index) => `[${index}]`),
  batchText: (rows, columns) =>
    JSON.stringify(rows.map((row) => columns.map((name) => (row as Record<string, unknown>)[name]))),
  packed: (columns) => `json_array(${columns})`,
  byKey: () => '',
  ifWritable: '',
  skipLocked: '',
  lockRows: '',
  lock: null,
  remote: false,
  isBusy: (error) => /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: string }).code)),
  bind: (values) => values,
};

const recordset: Dialect['rows'] = (json, columns, alias) =>
  `json_to_recordset((${json})::json) AS ${alias}(${Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')})`;

export const postgres: Dialect = {
  name: 'postgres',
  rows: recordset,
  batch: recordset,
  batchText: (rows) => JSON.stringify(rows),
  packed: (columns) => `json_build_array(${columns})`,
  byKey: (column, keys) => `AND ${column} = ANY(ARRAY(${keys}))`,
  ifWritable: 'WITH nothing AS (UPDATE links SET id = id WHERE false) ',
  skipLocked: 'FOR UPDATE SKIP LOCKED',
  lockRows: 'FOR UPDATE OF l',
  // In one order everywhere, so that two batches cannot wait for each other in a ring.
  lock: `SELECT COUNT(pg_advisory_xact_lock(hashtextextended(key, 0)))
    FROM (SELECT DISTINCT json_array_elements_text($1::json) AS key ORDER BY key) AS keys`,
  remote: true,
  isBusy: () => false,
  bind: (values) => values,
};
