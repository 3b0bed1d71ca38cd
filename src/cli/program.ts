import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { addApps } from './commands/apps.js';
import { addDoctor } from './commands/doctor.js';
import { addKeys } from './commands/keys.js';
import { addLinks } from './commands/links.js';
import { addMigrate } from './commands/migrate.js';
import { addSigningKeys } from './commands/signing-keys.js';
import { addTemplates } from './commands/templates.js';
import { hush } from './failure.js';
import { EPILOGUE, layOut } from './help.js';

/** The command line, ready to parse. Throws a `CommanderError` instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('oncelink')
    .description(
      'Oncelink mints single-use links for one purpose each, mails them and uses them up once. ' +
        'This command looks after its database, apps, keys, links and templates.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help; after a command, the help of that command')
    .helpCommand('help [command]', 'print this help, or that of a command')
    .addHelpText('after', EPILOGUE)
    .configureHelp(layOut)
    .configureOutput({ outputError: (text, write) => write(hush(text)) })
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride();

  // Subcommands take over what is configured above, so they come last.
  program.commandsGroup('Set up and look after:');
  addMigrate(program);
  addDoctor(program);
  addTemplates(program);
  program.commandsGroup('Apps and their API keys:');
  addApps(program);
  addKeys(program);
  program.commandsGroup('Signing keys:');
  addSigningKeys(program);
  program.commandsGroup('Links:');
  addLinks(program);
  for (const group of program.commands) for (const command of group.commands) command.helpGroup(group.helpGroup());
  return program;
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
