import { toResource } from '../../http/link.resource.js';
import { statusOf, type Link } from '../../links/link.js';
import { withStores, type Stores } from '../database.js';
import { createLinks, readToken } from '../domain.js';
import { Failure } from '../failure.js';
import { print, printJson } from '../output.js';

export function mint(appId: string, request: Record<string, unknown>): Promise<void> {
  return withStores(async (stores) => {
    const app = await stores.apps.find(appId);
    if (!app) throw new Failure(`There is no app ${appId}. \`oncelink apps list\` shows them.`);
    const { link, url, token, oneTimeCode } = await (await createLinks(stores)).mint(app, request);
    printJson({ ...toResource(link, Date.now()), url, token, oneTimeCode });
  });
}

export function revoke(given: string): Promise<void> {
  return withStores(async (stores) => {
    const { app, id } = await find(stores, given);
    const changed = await stores.links.revoke(app, { id }, Date.now());
    const link = await find(stores, id);
    print(
      changed > 0
        ? `Link ${id} of the app ${app} is revoked.`
        : `Link ${id} was ${statusOf(link, Date.now())} before; nothing changed.`,
    );
  });
}

export function show(given: string): Promise<void> {
  return withStores(async (stores) => printJson(toResource(await find(stores, given), Date.now())));
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
