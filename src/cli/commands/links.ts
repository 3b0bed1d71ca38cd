import { InvalidArgumentError, Option, type Command } from 'commander';

export function addLinks(program: Command): void {
  program
    .command('mint')
    .summary('mint a link, print it; the running service mails it')
    .description('Mints a link and prints it as JSON. A mail is queued in the database; the running service sends it.')
    .option('--purpose <purpose>', 'what it is for, such as password-reset; required')
    .option('--recipient <address>', 'one plain mailbox address; required')
    .option('--subject <id>', "the app's own id of its user; required")
    .option('--app <id>', 'whose link', 'default')
    .addOption(
      new Option('--delivery <way>', 'mail it, or print its URL and token this once')
        .choices(['email', 'return'])
        .default('email'),
    )
    .option('--expires-in <seconds>', "its life, within the purpose's bounds", readSeconds)
    .option('--redirect-uri <uri>', "where it leads, exactly one of the app's")
    .option('--locale <tag>', 'the language of mail and pages (default: en)')
    .option('--data <json>', 'an object that the app gets back at redemption', readObject)
    .option('--template-data <json>', "an object with the mail's variables", readObject)
    .action(async ({ app, ...request }: { app: string } & Record<string, unknown>, command: Command) => {
      // Commander itself would name the first one only.
      const missing = ['purpose', 'recipient', 'subject'].filter((name) => request[name] === undefined);
      if (missing.length > 0) command.error(`error: missing: ${missing.map((name) => `--${name}`).join(', ')}`);
      return (await import('../actions/links.js')).mint(app, request);
    });
  const reference = 'its id, or the link or token itself';
  program
    .command('show')
    .description('print a link, whatever app it belongs to')
    .argument('<id|token>', reference)
    .action(async (given: string) => (await import('../actions/links.js')).show(given));
  program
    .command('revoke')
    .description('withdraw a link')
    .argument('<id>', reference)
    .action(async (given: string) => (await import('../actions/links.js')).revoke(given));
}

function readSeconds(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give whole seconds, such as 900.');
}

function readObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // told below
  }
  throw new InvalidArgumentError('Give a JSON object, such as \'{"plan":"pro"}\'.');
}
