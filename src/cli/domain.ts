import { LinkIds } from '../links/link-ids.js';
import { Limits } from '../links/limits.js';
import { Links } from '../links/links.service.js';
import { linkPurposes, loadPurposes } from '../links/purposes.js';
import type { Purpose } from '../links/purpose.js';
import { Tokens, type Proof } from '../links/tokens.js';
import type { Stores } from './database.js';
import { Failure } from './failure.js';
import { settingsFor } from './settings-for.js';

/** The domain as the service puts it together, without a courier: the running service mails what is queued. */
export async function createLinks({ links: store }: Stores): Promise<Links> {
  const { publicUrl, purposes, tokens } = readTokens();
  const limits = new Limits(purposes, settingsFor(['limits']).limits);
  const ids = new LinkIds(Date.now);
  ids.startAfter((await store.newestId()) ?? '');
  return new Links(store, tokens, purposes, limits, ids, publicUrl, Date.now);
}

/** @returns what an authentic token says. @throws TokenInvalid */
export function readToken(token: string): Proof {
  return readTokens().tokens.readLink(token);
}

function readTokens(): { publicUrl: string; purposes: ReadonlyMap<string, Purpose>; tokens: Tokens } {
  const { signingKeys, publicUrl, templatesDir } = settingsFor(['signingKeys', 'publicUrl', 'templatesDir']);
  if (!signingKeys)
    throw new Failure(
      'There are no signing keys yet. `oncelink signing-keys rotate` makes one, and so does the first start.',
    );
  const purposes = linkPurposes(loadPurposes(templatesDir));
  return { publicUrl, purposes, tokens: new Tokens(signingKeys, publicUrl, new Set(purposes.keys()), Date.now) };
}
