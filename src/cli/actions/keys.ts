import { SCOPES, type Scope, type StoredApiKey } from '../../apps/app.js';
import { withStores } from '../database.js';
import { Failure } from '../failure.js';
import { iso, print, printJson, printTable } from '../output.js';

export interface CreateOptions {
  app: string;
  /** default all */
  scopes?: readonly Scope[];
  label: string;
  json?: true;
}
export interface ListOptions {
  app?: string;
  json?: true;
}

export function create({ app, scopes = SCOPES, label, json }: CreateOptions): Promise<void> {
  return withStores(async ({ apps, keys }) => {
    if (!(await apps.find(app)))
      throw new Failure(`There is no app ${app}. \`oncelink apps create ${app}\` makes it, with a key.`);
    const { id, key } = await keys.create(app, scopes, label);
    if (json) return printJson({ id, app, scopes, label, key });
    print(`API key ${id} of the app ${app} with the scopes ${scopes.join(', ')}, shown only now:\n\n  ${key}\n`);
  });
}

export function list({ app, json }: ListOptions): Promise<void> {
  return withStores(async ({ apps }) => {
    const all = await apps.list();
    const chosen = app === undefined ? all : all.filter(({ id }) => id === app);
    if (app !== undefined && chosen.length === 0) throw new Failure(`There is no app ${app}.`);
    const keys: StoredApiKey[] = [];
    for (const { id } of chosen) keys.push(...(await apps.listKeys(id)));
    if (json) {
      return printJson(
        keys.map(({ id, app, scopes, label, createdAt, revokedAt }) => ({
          id,
          app,
          scopes,
          label,
          createdAt: iso(createdAt),
          revokedAt: iso(revokedAt),
        })),
      );
    }
    const rows = keys.map((key) => [
      key.id,
      key.app,
      key.revokedAt === null ? 'in force' : `revoked ${iso(key.revokedAt)}`,
      iso(key.createdAt)!,
      key.label || '-',
      key.scopes.join(','),
    ]);
    printTable(
      ['ID', 'APP', 'STATE', 'CREATED', 'LABEL', 'SCOPES'],
      rows,
      'There are no API keys yet. `oncelink keys create` makes one.',
    );
  });
}

export function revoke(given: string): Promise<void> {
  return withStores(async ({ apps }) => {
    const id = idOf(given);
    const key = await apps.findKey(id);
    // The id is not repeated: what is no id may well be a secret.
    if (!key) throw new Failure('There is no API key with this id. `oncelink keys list` shows them.');
    const revoked = await apps.revokeKey(id, Date.now());
    print(
      revoked
        ? `API key ${id} of the app ${key.app} is revoked; within a second no instance accepts it.`
        : `API key ${id} was revoked before.`,
    );
    if (idOf(process.env.API_KEY?.trim() ?? '') === id)
      print('It is also in API_KEY: take it out there, or the next start of the service puts it in force again.');
  });
}

/** @returns the id; whoever pastes a whole key by mistake means its id */
function idOf(given: string): string {
  return /^olk_([A-Za-z0-9]+)_/.exec(given)?.[1] ?? given;
}
