import type { App, AppStore } from '../../apps/app.js';
import { linkPurposes, loadPurposes } from '../../links/purposes.js';
import { count } from '../output.js';
import { settingsFor } from '../settings-for.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** Whether anybody can call the API, and whether the links of those who can lead somewhere. */
export async function* checkApps(store: AppStore): AsyncIterable<Finding> {
  const all = await store.list();
  const callers: App[] = [];
  let keys = 0;
  for (const app of all) {
    const inForce = (await store.listKeys(app.id)).filter(({ revokedAt }) => revokedAt === null).length;
    if (inForce > 0) callers.push(app);
    keys += inForce;
  }
  yield* checkKeys(keys, callers.length);
  yield* checkRedirectUris(
    all.find(({ id }) => id === 'default'),
    callers,
  );
}

function* checkKeys(keys: number, apps: number): Iterable<Finding> {
  if (keys > 0) yield ok('api keys', `${count(keys, 'key')} in force, of ${count(apps, 'app')}`);
  else if (process.env.API_KEY?.trim()) yield ok('api keys', 'none yet; the next start takes over API_KEY');
  else if (process.env.NODE_ENV?.trim() !== 'production')
    yield ok('api keys', 'none yet; the first start makes and prints one');
  else
    yield fail(
      'api keys',
      'none in force, so nobody can call the API; `oncelink apps create <id>` or `oncelink keys create` makes one',
    );
}

function* checkRedirectUris(defaultApp: App | undefined, callers: readonly App[]): Iterable<Finding> {
  const purposes = redeemedOnApp();
  if (purposes.length === 0) return;
  // App `default` gets those of the settings at the next start.
  const coming = process.env.REDIRECT_URIS?.trim() ? ['default'] : [];
  const serving = new Map([defaultApp, ...callers].flatMap((app) => (app ? [[app.id, app] as const] : [])));
  const stuck = [...serving.values()]
    .filter(({ id, redirectUris }) => redirectUris.length === 0 && !coming.includes(id))
    .map(({ id }) => id);
  if (stuck.length === 0) {
    yield ok('redirect uris', 'every app has somewhere to send people');
    return;
  }
  const remedy = stuck.includes('default')
    ? 'set REDIRECT_URIS for the app default'
    : '`oncelink apps update <id> --redirect-uri <uri>` adds them';
  yield warn(
    'redirect uris',
    `${stuck.join(', ')} has none, but ${purposes.join(', ')} must lead back to the app; ${remedy}`,
  );
}

/** @returns the names of the purposes that need an app's page */
function redeemedOnApp(): string[] {
  try {
    const purposes = [...linkPurposes(loadPurposes(settingsFor(['templatesDir']).templatesDir)).values()];
    return purposes.filter(({ redeemOn }) => redeemOn === 'app').map(({ name }) => name);
  } catch {
    return []; // told by the templates' own check
  }
}
