import { InvalidArgumentError, type Command } from 'commander';
import { SCOPES, type Scope } from '../../apps/app.js';
import type { CreateOptions, ListOptions } from '../actions/keys.js';
import { readDuration } from './duration.js';

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the API keys of the apps');
  keys
    .command('create')
    .description('make an API key, shown only then')
    .option('--app <id>', 'whose key', 'default')
    .option('--scopes <list>', `comma-separated, of ${SCOPES.join(', ')} (default: all)`, readScopes)
    .option(
      '--purposes <list>',
      'comma-separated: it serves only requests that name one of them (default: all)',
      readNames,
    )
    .option('--expires-in <duration>', 'such as 90d; then it is refused (default: never)', readDuration)
    .option('--label <text>', 'what it is for, to know it again in the list', readLabel, '')
    .option('--json', 'print JSON')
    .action(async (options: CreateOptions) => (await import('../actions/keys.js')).create(options));
  keys
    .command('list')
    .description('list the API keys, without their secrets')
    .option('--app <id>', 'of this app only')
    .option('--json', 'print JSON')
    .action(async (options: ListOptions) => (await import('../actions/keys.js')).list(options));
  keys
    .command('revoke')
    .description('put an API key out of use')
    .argument('<key-id>', 'the part between the underscores of olk_<id>_…')
    .action(async (id: string) => (await import('../actions/keys.js')).revoke(id));
}

function readScopes(text: string): readonly Scope[] {
  const given = text.split(',').map((scope) => scope.trim());
  const scopes = SCOPES.filter((scope) => given.includes(scope));
  if (scopes.length !== new Set(given).size) throw new InvalidArgumentError(`Scopes are ${SCOPES.join(', ')}.`);
  return scopes;
}

function readNames(text: string): readonly string[] {
  return [...new Set(text.split(',').map((name) => name.trim()))];
}

function readLabel(text: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{0,80}$/u.test(text)) return text;
  throw new InvalidArgumentError('A label is one line of at most 80 characters.');
}
