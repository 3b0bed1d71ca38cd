import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ApiKeys } from '../apps/api-keys.js';
import { APP_STORE, type AppStore } from '../apps/app.js';
import { Inbox } from '../mail/inbox.js';
import { devCallback } from './callback/dev-callback.js';
import { demoApp, demoRedirectUris, devInbox } from './index.js';

export interface DevelopmentOptions {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly dataDir: string;
}

/**
 * Puts the demo and the dev inbox beside the service, in development only. The demo is a client like any other: an app
 * with an API key of its own, new at every start, that talks to the public API.
 * @returns the redirect URIs for the app `default`: a page that shows what an app would get, then the demo's
 */
export async function registerDevelopment(
  app: NestFastifyApplication,
  { host, port, publicUrl, dataDir }: DevelopmentOptions,
): Promise<string[]> {
  const baseUrl = `${publicUrl}/demo`;
  const redirectUris = demoRedirectUris(baseUrl);
  await app.get<AppStore>(APP_STORE).save({ id: 'demo', name: 'Fernweh', redirectUris, colour: '#0b5d5b' });
  const apiKey = `olk_demo_${randomBytes(20).toString('hex')}`;
  await app.get(ApiKeys).adopt(apiKey, 'demo', ['links:mint', 'links:redeem'], 'the demo');

  const server = app.getHttpAdapter().getInstance();
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  await server.register(demoApp, {
    prefix: '/demo',
    apiUrl: `http://${address}:${port}`,
    apiKey,
    baseUrl,
    databasePath: join(dataDir, 'demo.sqlite'),
  });
  await server.register(devInbox, { prefix: '/dev/inbox', inbox: app.get<Inbox>(Inbox) });
  server.get('/', (_request, reply) => reply.redirect(`${publicUrl}/demo`, 303));
  await server.register(devCallback, { prefix: '/dev/callback', publicUrl });
  return [`${publicUrl}/dev/callback`, ...redirectUris];
}
