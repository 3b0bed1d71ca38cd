import { InvalidArgumentError, type Command } from 'commander';
import { SCOPES, type Scope, type StoredApiKey } from '../../apps/app.js';
import { withStores, type Stores } from '../database.js';
import { Failure } from '../failure.js';
import { iso, print, printJson, printTable } from '../output.js';

interface CreateOptions {
  app: string;
  scopes: readonly Scope[];
  label: string;
  json?: true;
}
interface ListOptions {
  app?: string;
  json?: true;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the API keys of the apps');
  keys
    .command('create')
    .description('make an API key, shown only then')
    .option('--app <id>', 'whose key', 'default')
    .option('--scopes <list>', `comma-separated, of ${SCOPES.join(', ')} (default: all)`, readScopes)
    .option('--label <text>', 'what it is for, to know it again in the list', readLabel, '')
    .option('--json', 'print JSON')
    .action(({ scopes = SCOPES, ...options }: Partial<CreateOptions> & Omit<CreateOptions, 'scopes'>) =>
      withStores((stores) => create(stores, { ...options, scopes })),
    );
  keys
    .command('list')
    .description('list the API keys, without their secrets')
    .option('--app <id>', 'of this app only')
    .option('--json', 'print JSON')
    .action((options: ListOptions) => withStores((stores) => list(stores, options)));
  keys
    .command('revoke')
    .description('put an API key out of use')
    .argument('<key-id>', 'the part between the underscores of olk_<id>_…')
    .action((id: string) => withStores((stores) => revoke(stores, id)));
}

async function create({ apps, keys }: Stores, { app, scopes, label, json }: CreateOptions): Promise<void> {
  if (!(await apps.find(app)))
    throw new Failure(`There is no app ${app}. \`oncelink apps create ${app}\` makes it, with a key.`);
  const { id, key } = await keys.create(app, scopes, label);
  if (json) return printJson({ id, app, scopes, label, key });
  print(`API key ${id} of the app ${app} with the scopes ${scopes.join(', ')}, shown only now:\n\n  ${key}\n`);
}

async function list({ apps }: Stores, { app, json }: ListOptions): Promise<void> {
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
}

async function revoke({ apps }: Stores, given: string): Promise<void> {
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
}

/** @returns the id; whoever pastes a whole key by mistake means its id */
function idOf(given: string): string {
  return /^olk_([A-Za-z0-9]+)_/.exec(given)?.[1] ?? given;
}

function readScopes(text: string): readonly Scope[] {
  const given = text.split(',').map((scope) => scope.trim());
  const scopes = SCOPES.filter((scope) => given.includes(scope));
  if (scopes.length !== new Set(given).size) throw new InvalidArgumentError(`Scopes are ${SCOPES.join(', ')}.`);
  return scopes;
}

function readLabel(text: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{0,80}$/u.test(text)) return text;
  throw new InvalidArgumentError('A label is one line of at most 80 characters.');
}
