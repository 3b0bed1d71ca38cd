import { createPublicKey } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import type { DkimKey } from '../../mail/dkim.js';
import { settingsFor } from '../settings-for.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** Asks the DNS as a receiver of our mail would. */
export async function* checkDkim(): AsyncIterable<Finding> {
  const { dkim } = settingsFor(['dkim']);
  if (!dkim) return;
  const resolver = new Resolver({ timeout: 3_000, tries: 1 });
  yield await judgeDkim(dkim, (name) => resolver.resolveTxt(name));
}

/** @param lookUp the TXT records of a name, each in its pieces */
export async function judgeDkim(
  { domainName, keySelector, privateKey }: DkimKey,
  lookUp: (name: string) => Promise<string[][]>,
): Promise<Finding> {
  const name = `${keySelector}._domainkey.${domainName}`;
  const ours = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  const records = await lookUp(name).catch(() => []);
  // RFC 6376 section 3.6.1: tags, and white space between them as one likes.
  const published = records
    .map((pieces) => /(?:^|;)p=([^;]*)/.exec(pieces.join('').replace(/\s/g, ''))?.[1])
    .filter((key) => key !== undefined);
  if (published.includes(ours)) return ok('dkim', `${name} has our public key`);
  const remedy = `publish there: v=DKIM1; k=rsa; p=${ours}`;
  return published.length > 0
    ? fail('dkim', `${name} has another key, so receivers distrust our mail; ${remedy}`)
    : warn('dkim', `${name} has no key as far as can be seen from here; ${remedy}`);
}
