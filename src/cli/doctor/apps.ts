import { isInForce, type App, type AppStore, type StoredApiKey } from '../../apps/app.js';
import { linkPurposes, loadPurposes } from '../../links/purposes.js';
import { count, iso } from '../output.js';
import { settingsFor } from '../settings-for.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** A key that ends within this many ms should have a successor by now. */
const SOON = 14 * 86_400_000;

/** Whether anybody can call the API, and whether the links of those who can lead somewhere. */
export async function* checkApps(store: AppStore): AsyncIterable<Finding> {
  const all = await store.list();
  const now = Date.now();
  const keys: StoredApiKey[] = [];
  for (const { id } of all) keys.push(...(await store.listKeys(id)).filter((key) => isInForce(key, now)));
  const callers = all.filter(({ id }) => keys.some(({ app }) => app === id));
  yield* checkKeys(keys, callers.length, now);
  yield* checkRedirectUris(
    all.find(({ id }) => id === 'default'),
    callers,
  );
}

function* checkKeys(keys: readonly StoredApiKey[], apps: number, now: number): Iterable<Finding> {
  const ending = keys.filter(({ expiresAt }) => expiresAt !== null && expiresAt - now < SOON);
  const told = `${count(keys.length, 'key')} in force, of ${count(apps, 'app')}`;
  if (ending.length > 0) {
    const ends = ending.map(({ id, app, expiresAt }) => `${id} of ${app} ends ${iso(expiresAt)}`);
    yield warn('api keys', `${told}; ${ends.join(', ')}: \`oncelink keys create\` makes its successor`);
  } else if (keys.length > 0) yield ok('api keys', told);
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
