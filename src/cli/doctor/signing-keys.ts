import { statSync } from 'node:fs';
import { KeyRing } from '../../links/key-ring.js';
import { SETTINGS } from '../../settings.js';
import { count } from '../output.js';
import { settingsFor } from '../settings-for.js';
import { ok, warn, type Finding } from './finding.js';

export function* checkSigningKeys(): Iterable<Finding> {
  const { signingKeys } = settingsFor(['signingKeys']);
  if (!(signingKeys instanceof KeyRing)) {
    yield ok('signing keys', 'none yet; the first start makes one');
    return;
  }
  const [signer, ...older] = signingKeys.keys;
  const others =
    older.length > 0
      ? `, ${count(older.length, 'older key')} (${[...new Set(older.map(({ alg }) => alg))].join(', ')})`
      : '';
  yield ok('signing keys', `${signer.kid} (${signer.alg}) signs${others}`);
  if (!process.env.SIGNING_KEYS?.trim() && process.platform !== 'win32') yield checkMode();
}

function checkMode(): Finding {
  const development = SETTINGS.find(({ name }) => name === 'SIGNING_KEYS_FILE')!.development!;
  const file = process.env.SIGNING_KEYS_FILE?.trim() || development;
  const mode = statSync(file).mode & 0o777;
  const octal = mode.toString(8).padStart(4, '0');
  // A group that is meant to read (0640) is the operator's decision.
  return (mode & 0o037) === 0
    ? ok('key file', `mode ${octal}`)
    : warn('key file', `mode ${octal} lets other users of this machine at the keys; chmod 600 the file`);
}
