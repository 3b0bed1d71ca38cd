import { Option, type Command } from 'commander';
import type { RotateOptions } from '../actions/signing-keys.js';

export function addSigningKeys(program: Command): void {
  program
    .command('signing-keys')
    .description('the keys that sign the tokens')
    .command('rotate')
    .description('put a new key first in the key file; old ones still verify')
    .addOption(
      new Option('--alg <alg>', 'the new key (default: as the present one, else HS256)').choices([
        'HS256',
        'ES256',
        'RS256',
      ]),
    )
    .option('--file <path>', 'the JWK Set (default: SIGNING_KEYS_FILE); it is made if there is none')
    .action(async (options: RotateOptions) => (await import('../actions/signing-keys.js')).rotate(options));
}
