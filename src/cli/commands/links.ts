import { InvalidArgumentError, Option, type Command } from 'commander';
import { toResource } from '../../http/link.resource.js';
import { statusOf, type Link } from '../../links/link.js';
import { withStores, type Stores } from '../database.js';
import { createLinks, readToken } from '../domain.js';
import { Failure } from '../failure.js';
import { print, printJson } from '../output.js';

export function addLinks(program: Command): void {
  program
    .command('mint')
    .summary('mint a link, print it; the running service mails it')
    .description('Mints a link and prints it as JSON. A mail is queued in the database; the running service sends it.')
    .requiredOption('--purpose <purpose>', 'what it is for, such as password-reset')
    .requiredOption('--recipient <address>', 'one plain mailbox address')
    .requiredOption('--subject <id>', "the app's own id of its user")
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
    .action(({ app, ...request }: { app: string } & Record<string, unknown>) =>
      withStores((stores) => mint(stores, app, request)),
    );
  const reference = 'its id, or the link or token itself';
  program
    .command('show')
    .description('print a link, whatever app it belongs to')
    .argument('<id|token>', reference)
    .action((given: string) =>
      withStores(async (stores) => printJson(toResource(await find(stores, given), Date.now()))),
    );
  program
    .command('revoke')
    .description('withdraw a link')
    .argument('<id>', reference)
    .action((given: string) => withStores((stores) => revoke(stores, given)));
}

async function mint(stores: Stores, appId: string, request: Record<string, unknown>): Promise<void> {
  const app = await stores.apps.find(appId);
  if (!app) throw new Failure(`There is no app ${appId}. \`oncelink apps list\` shows them.`);
  const { link, url, token } = await (await createLinks(stores)).mint(app, request);
  printJson({ ...toResource(link, Date.now()), url, token });
}

async function revoke(stores: Stores, given: string): Promise<void> {
  const { app, id } = await find(stores, given);
  const changed = await stores.links.revoke(app, { id }, Date.now());
  const link = await find(stores, id);
  print(
    changed > 0
      ? `Link ${id} of the app ${app} is revoked.`
      : `Link ${id} was ${statusOf(link, Date.now())} before; nothing changed.`,
  );
}

/** @throws Failure, TokenInvalid; what was given is not repeated, it may be a token */
async function find({ apps, links }: Stores, given: string): Promise<Link> {
  const token = tokenIn(given);
  const proof = token === undefined ? undefined : readToken(token);
  for (const { id } of await apps.list()) {
    const link = await links.find(id, proof?.id ?? given);
    if (link) return link;
  }
  throw new Failure('There is no such link.');
}

/** @returns the token of a whole link, or the token itself; undefined for anything else, such as an id */
function tokenIn(given: string): string | undefined {
  return /(?:^|\/l\/|[?&]token=)([^/?&#]+\.[^/?&#]+\.[^/?&#]+)/.exec(given.trim())?.[1];
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
