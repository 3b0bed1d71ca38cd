import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiKeys } from '../apps/api-keys.js';
import { APP_STORE, type AppStore } from '../apps/app.js';
import type { Clock, DevClock } from '../clock.js';
import { Courier } from '../links/courier.js';
import { KeyRing } from '../links/key-ring.js';
import { statusOf } from '../links/link.js';
import { LINK_STORE, type LinkStore } from '../links/link-store.js';
import { CLOCK, PURPOSES } from '../links/links.module.js';
import type { AnyPurpose } from '../links/purpose.js';
import { Inbox } from '../mail/inbox.js';
import { devCallback } from './callback/dev-callback.js';
import { devClock } from './dev-clock.js';
import { demoApp, demoRedirectUris, devInbox } from './index.js';

export interface DevelopmentOptions {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  /** of the demo's users */
  readonly databasePath: string;
}

/** The token names its app and its link; whether it is authentic, the page behind it judges. */
function linkOf(url: string): { app: string; id: string } | undefined {
  const [, payload] = /\/l\/[\w-]+\.([\w-]+)\./.exec(url) ?? [];
  if (payload === undefined) return undefined;
  const { aud, jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud: string; jti: string };
  return { app: aud, id: jti };
}

/**
 * Puts the demo and the dev inbox beside the service, in development only. The demo is a client like any other: an app
 * with an API key of its own that talks to the public API. The key follows from the signing key: whoever starts
 * Oncelink once more in the same place, and finds the port taken, must not lock out the demo that is running.
 * @returns the redirect URIs for the app `default`: a page that shows what an app would get, then the demo's
 */
export async function registerDevelopment(
  app: NestFastifyApplication,
  { host, port, publicUrl, databasePath }: DevelopmentOptions,
  clock?: DevClock,
): Promise<string[]> {
  const baseUrl = `${publicUrl}/demo`;
  const redirectUris = demoRedirectUris(baseUrl);
  await app.get<AppStore>(APP_STORE).save({ id: 'demo', name: 'Fernweh', redirectUris, colour: '#0b5d5b' });
  const secret = app.get(KeyRing).keys[0].mac('api key', 'demo');
  const apiKey = `olk_demo_${Buffer.from(secret, 'base64url').toString('hex')}`;
  await app.get(ApiKeys).adopt(apiKey, 'demo', ['links:mint', 'links:redeem'], 'the demo');

  const server = app.getHttpAdapter().getInstance();
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  await server.register(demoApp, {
    prefix: '/demo',
    apiUrl: `http://${address}:${port}`,
    apiKey,
    baseUrl,
    databasePath,
    now: app.get<Clock>(CLOCK),
  });
  await server.register(devInbox, {
    prefix: '/dev/inbox',
    inbox: app.get<Inbox>(Inbox),
    clock,
    isActive: async (url: string) => {
      const link = linkOf(url);
      const row = link && (await app.get<LinkStore>(LINK_STORE).find(link.app, link.id));
      return row && statusOf(row, app.get<Clock>(CLOCK)()) === 'active';
    },
  });
  if (clock) await server.register(devClock, { prefix: '/dev/clock', clock, onMoved: () => app.get(Courier).wake() });
  server.get('/', (_request, reply) => reply.redirect(`${publicUrl}/demo`, 303));
  const purposes = app.get<ReadonlyMap<string, AnyPurpose>>(PURPOSES);
  const isUsedUp = (name: string): boolean => {
    const purpose = purposes.get(name);
    return purpose?.kind === 'link' && purpose.redeemOn === 'page' && purpose.binding !== 'required';
  };
  await server.register(devCallback, { prefix: '/dev/callback', publicUrl, isUsedUp });
  return [`${publicUrl}/dev/callback`, ...redirectUris];
}
