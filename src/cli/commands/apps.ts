import { InvalidArgumentError, type Command } from 'commander';
import { APP_ID, redirectUriFault, SCOPES } from '../../apps/app.js';
import { withStores, type Stores } from '../database.js';
import { Failure } from '../failure.js';
import { print, printJson, printTable } from '../output.js';

interface Properties {
  name?: string;
  redirectUri?: string[];
  json?: true;
}

export function addApps(program: Command): void {
  const apps = program.command('apps').description('the applications that may mint links');
  apps
    .command('create')
    .description('make an app and its first API key, shown only then')
    .argument('<id>', 'lower-case letters, digits and dashes, at most 40', readAppId)
    .option('--name <name>', 'what people read in the mails and on the pages (default: the id)', readName)
    .option('--redirect-uri <uri...>', 'where links may lead, exact; the first is the default', readRedirectUri)
    .option('--json', 'print JSON')
    .action((id: string, options: Properties) =>
      withStores((stores) => create(stores, id, options), { mayCreate: true }),
    );
  apps
    .command('update')
    .description("change an app's name or redirect URIs")
    .argument('<id>', 'the app')
    .option('--name <name>', 'what people read in the mails and on the pages', readName)
    .option(
      '--redirect-uri <uri...>',
      'where links may lead, exact; they replace all of the present ones',
      readRedirectUri,
    )
    .option('--json', 'print JSON')
    .action((id: string, options: Properties) => withStores((stores) => update(stores, id, options)));
  apps
    .command('list')
    .description('list the apps')
    .option('--json', 'print JSON')
    .action((options: { json?: true }) => withStores((stores) => list(stores, options)));
}

async function create(
  { apps, keys }: Stores,
  id: string,
  { name = id, redirectUri = [], json }: Properties,
): Promise<void> {
  if (await apps.find(id))
    throw new Failure(`There is already an app ${id}. \`oncelink keys create --app ${id}\` makes another key for it.`);
  const app = { id, name, redirectUris: redirectUri };
  await apps.save(app);
  const made = await keys.create(id, SCOPES, 'first key');
  if (json) return printJson({ ...app, apiKey: { id: made.id, key: made.key, scopes: SCOPES } });
  print(`Made the app ${id}.\nIts API key with all scopes, shown only now:\n\n  ${made.key}\n`);
}

async function update({ apps }: Stores, id: string, { name, redirectUri, json }: Properties): Promise<void> {
  const known = await apps.find(id);
  if (!known) throw new Failure(`There is no app ${id}. \`oncelink apps list\` shows them.`);
  if (name === undefined && redirectUri === undefined)
    throw new Failure('Nothing to change: say --name or --redirect-uri.');
  const app = { id, name: name ?? known.name, redirectUris: redirectUri ?? known.redirectUris };
  await apps.save(app);
  if (json) return printJson(app);
  print(`Changed the app ${id}: ${app.name}, ${app.redirectUris.join(' ') || 'no redirect URIs'}.`);
  if (id === 'default' && redirectUri && process.env.REDIRECT_URIS?.trim())
    print('REDIRECT_URIS is set, too: the next start of the service puts those in their place.');
}

async function list({ apps }: Stores, { json }: { json?: true }): Promise<void> {
  const all = await apps.list();
  if (json) return printJson(all);
  const rows = all.map(({ id, name, redirectUris }) => [id, name, redirectUris.join(' ') || '-']);
  printTable(['ID', 'NAME', 'REDIRECT URIS'], rows, 'There are no apps yet. `oncelink apps create <id>` makes one.');
}

function readAppId(text: string): string {
  if (APP_ID.test(text)) return text;
  throw new InvalidArgumentError('An app id has lower-case letters, digits and dashes inside, at most 40.');
}

function readName(text: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,80}$/u.test(text) && text.trim() === text) return text;
  throw new InvalidArgumentError('A name is one line of at most 80 characters.');
}

function readRedirectUri(text: string, earlier: string[] = []): string[] {
  const fault = redirectUriFault(text);
  if (fault) throw new InvalidArgumentError(`It ${fault}.`);
  return [...earlier, text];
}
