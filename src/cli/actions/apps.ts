import { SCOPES } from '../../apps/app.js';
import { withStores } from '../database.js';
import { Failure } from '../failure.js';
import { print, printJson, printTable } from '../output.js';

export interface AppOptions {
  name?: string;
  redirectUri?: string[];
  json?: true;
}

export function create(id: string, { name = id, redirectUri = [], json }: AppOptions): Promise<void> {
  return withStores(
    async ({ apps, keys }) => {
      if (await apps.find(id))
        throw new Failure(
          `There is already an app ${id}. \`oncelink keys create --app ${id}\` makes another key for it.`,
        );
      const app = { id, name, redirectUris: redirectUri };
      await apps.save(app);
      const made = await keys.create(id, SCOPES, 'first key');
      if (json) return printJson({ ...app, apiKey: { id: made.id, key: made.key, scopes: SCOPES } });
      print(`Made the app ${id}.\nIts API key with all scopes, shown only now:\n\n  ${made.key}\n`);
    },
    { mayCreate: true },
  );
}

export function update(id: string, { name, redirectUri, json }: AppOptions): Promise<void> {
  return withStores(async ({ apps }) => {
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
  });
}

export function list({ json }: AppOptions): Promise<void> {
  return withStores(async ({ apps }) => {
    const all = await apps.list();
    if (json) return printJson(all);
    const rows = all.map(({ id, name, redirectUris }) => [id, name, redirectUris.join(' ') || '-']);
    printTable(['ID', 'NAME', 'REDIRECT URIS'], rows, 'There are no apps yet. `oncelink apps create <id>` makes one.');
  });
}
