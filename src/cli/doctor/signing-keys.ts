import { existsSync, statSync } from 'node:fs';
import { modeFault } from '../../links/key-file.js';
import { livesOf } from '../key-lives.js';
import { count, iso } from '../output.js';
import { settingsFor } from '../settings-for.js';
import { ok, warn, type Finding } from './finding.js';

/** ASVS 11.2.2 wants keys that can be replaced; whoever never does it does not know that they can. In ms. */
const OLD = 365 * 86_400_000;

export function* checkSigningKeys(): Iterable<Finding> {
  const { signingKeys, signingKeysFile } = settingsFor(['signingKeys', 'signingKeysFile']);
  if (!signingKeys) {
    yield ok('signing keys', 'none yet; the first start makes one');
    return;
  }
  const now = Date.now();
  const lives = livesOf(signingKeys, now);
  const signer = lives.find(({ state }) => state === 'signs')!;
  const next = lives
    .filter(({ state }) => state === 'waits')
    .map((life) => `, ${life.kid} from ${iso(life.signsFrom)} on`);
  const older = lives.filter(({ state }) => state === 'verifies');
  const others = older.length > 0 ? `, ${count(older.length, 'older key')}` : '';
  const age = signer.madeAt === undefined ? '' : ` since ${iso(signer.signsFrom || signer.madeAt)!.slice(0, 10)}`;
  const told = `${signer.kid} (${signer.alg}) signs${age}${next.join('')}${others}`;

  if (signer.madeAt !== undefined && now - signer.madeAt > OLD && next.length === 0)
    yield warn('signing keys', `${told}; it is over a year old: \`oncelink signing-keys rotate\``);
  else if (older.some(({ endsAt = Infinity }) => endsAt <= now))
    yield warn('signing keys', `${told}; \`oncelink signing-keys prune\` drops those that are not needed any more`);
  else yield ok('signing keys', told);

  if (signingKeysFile !== undefined && existsSync(signingKeysFile)) yield checkMode(signingKeysFile);
}

/** In production the settings refuse such a file before this is reached. */
function checkMode(file: string): Finding {
  const stats = statSync(file);
  const fault = modeFault(stats);
  if (fault !== undefined) return warn('key file', `SIGNING_KEYS_FILE ${fault}`);
  return ok('key file', `mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')}, followed while the service runs`);
}
