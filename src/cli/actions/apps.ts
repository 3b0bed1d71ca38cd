import { SCOPES, type App } from '../../apps/app.js';
import type { BrandingOptions } from '../commands/branding.js';
import { withStores } from '../database.js';
import { Failure } from '../failure.js';
import { print, printJson, printTable } from '../output.js';

export interface AppOptions extends BrandingOptions {
  name?: string;
  redirectUri?: string[];
  json?: true;
}

export function create(id: string, { json, ...wanted }: AppOptions): Promise<void> {
  return withStores(
    async ({ apps, keys }) => {
      if (await apps.find(id))
        throw new Failure(
          `There is already an app ${id}. \`oncelink keys create --app ${id}\` makes another key for it.`,
        );
      const app = changed({ id, name: id, redirectUris: [] }, wanted);
      await apps.save(app);
      const made = await keys.create(id, SCOPES, 'first key');
      if (json) return printJson({ ...app, apiKey: { id: made.id, key: made.key, scopes: SCOPES } });
      print(`Made the app ${id}.\nIts API key with all scopes, shown only now:\n\n  ${made.key}\n`);
    },
    { mayCreate: true },
  );
}

export function update(id: string, { json, ...wanted }: AppOptions): Promise<void> {
  return withStores(async ({ apps }) => {
    const known = await apps.find(id);
    if (!known) throw new Failure(`There is no app ${id}. \`oncelink apps list\` shows them.`);
    const app = changed(known, wanted);
    await apps.save(app);
    if (json) return printJson(app);
    print(`Changed the app ${id}: ${app.name}, ${app.redirectUris.join(' ') || 'no redirect URIs'}.`);
    for (const line of lookOf(app)) print(`  ${line}`);
    if (id === 'default' && wanted.redirectUri && process.env.REDIRECT_URIS?.trim())
      print('REDIRECT_URIS is set, too: the next start of the service puts those in their place.');
  });
}

export function list({ json }: AppOptions): Promise<void> {
  return withStores(async ({ apps }) => {
    const all = await apps.list();
    if (json) return printJson(all);
    const rows = all.map((app) => [app.id, app.name, app.redirectUris.join(' ') || '-', lookOf(app).join(', ') || '-']);
    const columns = ['ID', 'NAME', 'REDIRECT URIS', 'LOOK AND SENDER'];
    printTable(columns, rows, 'There are no apps yet. `oncelink apps create <id>` makes one.');
  });
}

/** The app with what was asked for; what is empty goes back to the service's own. */
function changed(app: App, { redirectUri, name, ...look }: Omit<AppOptions, 'json'>): App {
  const next = { ...app, ...look, name: name ?? app.name, redirectUris: redirectUri ?? app.redirectUris };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== '')) as unknown as App;
}

function lookOf({ colour, logo, from, replyTo }: App): string[] {
  return [
    colour && `colour ${colour}`,
    logo && `logo ${/^data:([^;]+)/.exec(logo)?.[1]}`,
    from && `from ${from.name ? `${from.name} <${from.address}>` : from.address}`,
    replyTo && `answers to ${replyTo}`,
  ].filter((line): line is string => Boolean(line));
}
