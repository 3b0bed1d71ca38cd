import { Option, type Command } from 'commander';
import type { FileOption, RotateOptions } from '../actions/signing-keys.js';
import { readDuration } from './duration.js';

/** Instances read the file every second; where a file takes longer to reach them all, the operator says so. In seconds. */
const ACTIVATE_IN = 5;

export function addSigningKeys(program: Command): void {
  const keys = program.command('signing-keys').description('the keys that sign the tokens');
  const actions = () => import('../actions/signing-keys.js');
  const add = (name: string, description: string) =>
    keys.command(name).description(description).option('--file <path>', 'the JWK Set (default: SIGNING_KEYS_FILE)');

  add('rotate', 'put a new key first in the key file; old ones still verify')
    .addOption(
      new Option('--alg <alg>', 'the new key (default: as the present one, else HS256)').choices([
        'HS256',
        'ES256',
        'RS256',
      ]),
    )
    .addOption(
      new Option('--activate-in <duration>', 'it signs from then on; until then every instance learns of it')
        .argParser(readDuration)
        .default(ACTIVATE_IN, `${ACTIVATE_IN}s`),
    )
    .action(async (options: RotateOptions) => (await actions()).rotate(options));
  add('revoke', 'take a key out: what it signed is void at once')
    .argument('<kid>', 'the key, as `signing-keys list` shows it')
    .action(async (kid: string, options: FileOption) => (await actions()).revoke(kid, options));
  add('list', 'list the keys, without their material')
    .option('--json', 'print JSON')
    .action(async (options: FileOption & { json?: true }) => (await actions()).list(options));
  add('prune', 'drop old keys of which no signature is good any more').action(async (options: FileOption) =>
    (await actions()).prune(options),
  );
}
