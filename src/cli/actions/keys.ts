import { isInForce, SCOPES, type Scope, type StoredApiKey } from '../../apps/app.js';
import { loadPurposes } from '../../links/purposes.js';
import { withStores } from '../database.js';
import { Failure } from '../failure.js';
import { iso, print, printJson, printTable } from '../output.js';
import { settingsFor } from '../settings-for.js';

export interface CreateOptions {
  app: string;
  /** default all */
  scopes?: readonly Scope[];
  /** default all */
  purposes?: readonly string[];
  /** seconds; default for ever */
  expiresIn?: number;
  label: string;
  json?: true;
}
export interface ListOptions {
  app?: string;
  json?: true;
}

export function create({ app, scopes = SCOPES, purposes, expiresIn, label, json }: CreateOptions): Promise<void> {
  return withStores(async ({ apps, keys }) => {
    if (!(await apps.find(app)))
      throw new Failure(`There is no app ${app}. \`oncelink apps create ${app}\` makes it, with a key.`);
    if (purposes) requirePurposes(purposes);
    const expiresAt = expiresIn === undefined ? undefined : Date.now() + expiresIn * 1000;
    const { id, key } = await keys.create(app, scopes, label, { expiresAt, purposes });
    const facts = { id, app, scopes, purposes: purposes ?? null, label, expiresAt: iso(expiresAt ?? null) };
    if (json) return printJson({ ...facts, key });
    const limits = [purposes && ` for ${purposes.join(', ')}`, expiresAt && `, good until ${iso(expiresAt)}`].join('');
    print(
      `API key ${id} of the app ${app} with the scopes ${scopes.join(', ')}${limits}, shown only now:\n\n  ${key}\n`,
    );
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
        keys.map(({ id, app, scopes, purposes, label, createdAt, lastUsedAt, expiresAt, revokedAt }) => ({
          id,
          app,
          scopes,
          purposes,
          label,
          createdAt: iso(createdAt),
          lastUsedAt: iso(lastUsedAt),
          expiresAt: iso(expiresAt),
          revokedAt: iso(revokedAt),
        })),
      );
    }
    const rows = keys.map((key) => [
      key.id,
      key.app,
      stateOf(key),
      iso(key.createdAt)!,
      iso(key.lastUsedAt) ?? 'never',
      iso(key.expiresAt) ?? 'never',
      key.label || '-',
      key.scopes.join(','),
      key.purposes?.join(',') ?? 'all',
    ]);
    printTable(
      ['ID', 'APP', 'STATE', 'CREATED', 'LAST USED', 'EXPIRES', 'LABEL', 'SCOPES', 'PURPOSES'],
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
      print('It is also in API_KEY, where it does nothing any more: take it out or put another one in.');
  });
}

function stateOf(key: StoredApiKey): string {
  if (key.revokedAt !== null) return `revoked ${iso(key.revokedAt)}`;
  return isInForce(key, Date.now()) ? 'in force' : 'expired';
}

/** @throws Failure for a name that no request could ever match */
function requirePurposes(names: readonly string[]): void {
  const known = [...loadPurposes(settingsFor(['templatesDir']).templatesDir).keys()];
  if (names.some((name) => !known.includes(name))) throw new Failure(`Purposes are ${known.join(', ')}.`);
}

/** @returns the id; whoever pastes a whole key by mistake means its id */
function idOf(given: string): string {
  return /^olk_([A-Za-z0-9]+)_/.exec(given)?.[1] ?? given;
}
