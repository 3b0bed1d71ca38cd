import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ApiKeys } from './apps/api-keys.js';
import { APP_STORE, SCOPES, type AppStore } from './apps/app.js';
import { AppModule } from './app.module.js';
import { DevClock, type Clock } from './clock.js';
import { createFastifyAdapter, prepareHttp } from './http/configure-http.js';
import { Metrics } from './http/metrics.js';
import { readKeyFile } from './links/key-file.js';
import type { KeyRing } from './links/key-ring.js';
import { newKey } from './links/new-key.js';
import type { LinksOptions } from './links/links.module.js';
import type { Logger } from './log.js';
import { TemplatesError } from './mail/template-fault.js';
import { doubtsAbout, type Settings } from './settings.js';
import { fileOf } from './storage/engines.js';
import { patiently } from './storage/patiently.js';
import { readTemplates } from './templates.js';

export interface Service {
  readonly app: NestFastifyApplication;
  /** the API key of app `default` that was generated just now; shown once */
  readonly newApiKey: string | undefined;
}

type Event = Parameters<NonNullable<LinksOptions['log']>>[0];
/** How loudly the domain's events are told. */
const LEVELS: Readonly<Record<Event, 'info' | 'warn' | 'error'>> = {
  'mail sent': 'info',
  'mail delayed': 'warn',
  'mail failed': 'error',
  'mail abandoned': 'error',
  'mail suppressed': 'warn',
  'courier stopped short': 'error',
  'signing keys read': 'info',
  'signing keys not usable': 'error',
  'signing keys open to others': 'warn',
};

/** Composes and initialises the service; it does not listen yet. Development fills in what production demands. */
export async function createService(settings: Settings, logger: Logger, clock?: Clock): Promise<Service> {
  for (const doubt of doubtsAbout(settings)) logger.warn(doubt);
  const path = settings.signingKeysFile;
  const devClock = settings.production || clock ? undefined : new DevClock();
  const module = AppModule.for(settings, {
    signingKeys: settings.signingKeys ?? (await generateKeyRing(path!)),
    signingKeysFile: path === undefined ? undefined : { path, strict: settings.production },
    clock: clock ?? devClock?.now,
    log: (event, facts) => {
      if (event.startsWith('mail ')) app.get(Metrics).countMail(event.slice('mail '.length));
      logger[LEVELS[event]](facts, event);
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, createFastifyAdapter(settings.trustProxy), {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  }).catch((error: unknown) => {
    // Policies, mails and pages are read one after the other; whoever has to mend them wants to hear of all at once.
    throw error instanceof TemplatesError ? new TemplatesError(readTemplates(settings.templatesDir).faults) : error;
  });
  let redirectUris = settings.redirectUris;
  await prepareHttp(app, logger, async () => {
    if (settings.production) return;
    const { registerDevelopment } = await import('./demo/register.js').catch((error: unknown) => {
      throw new Error(
        'Development needs the source checkout with its dev dependencies; run an installed package with NODE_ENV=production.',
        { cause: error },
      );
    });
    // The demo's users remember links: they last as long as these.
    const databasePath =
      fileOf(settings.databaseUrl) === ':memory:' ? ':memory:' : join(settings.dataDir, 'demo.sqlite');
    const demoUris = await registerDevelopment(app, { ...settings, databasePath }, devClock);
    redirectUris ??= demoUris;
    const { devTemplates } = await import('./preview/dev-templates.js');
    const { templatesDir } = settings;
    const server = app.getHttpAdapter().getInstance();
    await server.register(devTemplates, { prefix: '/dev/templates', templatesDir, apps: app.get<AppStore>(APP_STORE) });
  });
  const newApiKey = await patiently(() => registerDefaultApp(app, settings, redirectUris));
  return { app, newApiKey };
}

/** App `default`, whose redirect URIs and bootstrap key come from the settings. @returns a key generated for development */
async function registerDefaultApp(
  app: NestFastifyApplication,
  settings: Settings,
  redirectUris: readonly string[] | undefined,
): Promise<string | undefined> {
  const store = app.get<AppStore>(APP_STORE);
  const keys = app.get(ApiKeys);
  const known = await store.find('default');
  await store.save({
    ...known,
    id: 'default',
    name: known?.name ?? (settings.mailFrom.name || 'Oncelink'),
    redirectUris: redirectUris ?? known?.redirectUris ?? [],
  });
  if (settings.apiKey !== undefined) await keys.adopt(settings.apiKey, 'default', SCOPES, 'bootstrap (API_KEY)');
  if (settings.production || settings.apiKey !== undefined || (await store.listKeys('default')).length > 0)
    return undefined;
  return (await keys.create('default', SCOPES, 'generated in development')).key;
}

/** A JWK Set with one random HS256 key, readable by its owner only. */
async function generateKeyRing(file: string): Promise<KeyRing> {
  const keys = [await newKey('HS256', Date.now())];
  mkdirSync(dirname(file), { recursive: true });
  try {
    // `wx`: of two processes that start at once, one writes and the other reads.
    writeFileSync(file, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readKeyFile(file, false);
}
