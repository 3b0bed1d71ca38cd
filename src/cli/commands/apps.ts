import { InvalidArgumentError, type Command } from 'commander';
import { APP_ID, redirectUriFault } from '../../apps/app.js';
import type { AppOptions } from '../actions/apps.js';
import { addBranding, readName } from './branding.js';

export function addApps(program: Command): void {
  const apps = program.command('apps').description('the applications that may mint links');
  addBranding(apps.command('create'))
    .description('make an app and its first API key, shown only then')
    .argument('<id>', 'lower-case letters, digits and dashes, at most 40', readAppId)
    .option('--name <name>', 'what people read in the mails and on the pages (default: the id)', readName)
    .option('--redirect-uri <uri...>', 'where links may lead, exact; the first is the default', readRedirectUri)
    .option('--json', 'print JSON')
    .action(async (id: string, options: AppOptions) => (await import('../actions/apps.js')).create(id, options));
  addBranding(apps.command('update'))
    .description("change an app's name, redirect URIs, look or sender")
    .argument('<id>', 'the app')
    .option('--name <name>', 'what people read in the mails and on the pages', readName)
    .option(
      '--redirect-uri <uri...>',
      'where links may lead, exact; they replace all of the present ones',
      readRedirectUri,
    )
    .option('--json', 'print JSON')
    .action(async (id: string, options: AppOptions, command: Command) => {
      if (Object.keys(options).every((name) => name === 'json'))
        command.error('error: nothing to change: say --name, --redirect-uri, --colour, --logo, --from or --reply-to');
      return (await import('../actions/apps.js')).update(id, options);
    });
  apps
    .command('list')
    .description('list the apps')
    .option('--json', 'print JSON')
    .action(async (options: AppOptions) => (await import('../actions/apps.js')).list(options));
}

function readAppId(text: string): string {
  if (APP_ID.test(text)) return text;
  throw new InvalidArgumentError('An app id has lower-case letters, digits and dashes inside, at most 40.');
}

function readRedirectUri(text: string, earlier: string[] = []): string[] {
  const fault = redirectUriFault(text);
  if (fault) throw new InvalidArgumentError(`It ${fault}.`);
  return [...earlier, text];
}
