import { ApiKeys, type KeyLimits } from '../../src/apps/api-keys.js';
import { APP_STORE, SCOPES, type AppStore, type Scope } from '../../src/apps/app.js';
import type { Answer, TestService } from './service.js';

/** Calls the API with one API key. */
export interface Caller {
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  readonly key: string;
  readonly keyId: string;
}

/** A caller with a new API key of an app that exists. */
export async function callerFor(
  service: TestService,
  app = 'default',
  scopes: readonly Scope[] = SCOPES,
  limits?: KeyLimits,
): Promise<Caller> {
  const { key, id } = await service.app.get(ApiKeys).create(app, scopes, 'a test', limits);
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.request(method, path, { body, headers: { authorization: `Bearer ${key}`, ...headers } });
  return Object.assign(call, { key, keyId: id });
}

/** A further app, with a caller that may do everything. */
export async function addApp(service: TestService, id: string, redirectUris: readonly string[] = []): Promise<Caller> {
  await service.app.get<AppStore>(APP_STORE).save({ id, name: `The app ${id}`, redirectUris });
  return callerFor(service, id);
}

export async function revokeKey(service: TestService, { keyId }: Caller): Promise<void> {
  await service.app.get<AppStore>(APP_STORE).revokeKey(keyId, Date.now());
}
