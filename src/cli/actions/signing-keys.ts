import type { Algorithm } from '../../links/key-ring.js';
import { SETTINGS } from '../../settings.js';
import { Failure } from '../failure.js';
import { count, print } from '../output.js';
import { rotateKeyFile } from '../signing-key-file.js';

export interface RotateOptions {
  alg?: Algorithm;
  file?: string;
}

export async function rotate({ alg, file }: RotateOptions): Promise<void> {
  if (process.env.SIGNING_KEYS?.trim()) {
    throw new Failure(
      'SIGNING_KEYS holds the keys themselves, which no command can change. Put its value into a file that only the ' +
        "service's user can read, name that file in SIGNING_KEYS_FILE, take SIGNING_KEYS out, and rotate again.",
    );
  }
  const path = file ?? keyFileOfSettings();
  const { kid, signer, kept } = await rotateKeyFile(path, alg);
  print(`New ${signer} signing key ${kid}, first in ${path}.`);
  if (kept > 0)
    print(
      `${count(kept, 'older key')} kept: what they signed stays good. Take one out when its last link has ended (7 days at most).`,
    );
  print(
    process.env.SIGNING_KEYS_FILE?.trim() || file === undefined
      ? 'Next: restart every instance with this file; one that has not been restarted does not know the new key yet.'
      : `Next: set SIGNING_KEYS_FILE=${path} and restart every instance.`,
  );
}

function keyFileOfSettings(): string {
  const given = process.env.SIGNING_KEYS_FILE?.trim();
  if (given) return given;
  if (process.env.NODE_ENV?.trim() === 'production')
    throw new Failure('SIGNING_KEYS_FILE is not set. Set it, or say --file <path>.');
  return SETTINGS.find(({ name }) => name === 'SIGNING_KEYS_FILE')!.development!;
}
