import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from '../../src/links/errors.js';
import { addressKey, recipientKey } from '../../src/links/recipient.js';
import type { Link } from '../../src/links/link.js';
import type { LinkStore, Redemption } from '../../src/links/link-store.js';
import type { MessageStore } from '../../src/links/message-store.js';
import { DataKeys } from '../../src/storage/data-keys.js';
import { openWithSchema } from '../../src/storage/schema.js';
import { SqlAppStore } from '../../src/storage/sql-app-store.js';
import { openLinkStore, openMessageStore } from '../../src/storage/stores.js';
import { sampleLink } from '../../src/testing.js';
import { dataKeys, dataKeysText } from '../support/data-keys.js';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-sealed-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Opens the one database of a test anew, as a restart would. */
async function inStores<Answer>(
  keys: DataKeys | undefined,
  work: (links: LinkStore, messages: MessageStore) => Promise<Answer>,
): Promise<Answer> {
  const database = await openWithSchema({ url: `sqlite:${join(directory, 'sealed.sqlite')}`, migrate: true });
  try {
    await new SqlAppStore(database).save({ id: 'default', name: 'An app', redirectUris: [] });
    return await work(await openLinkStore(database, keys), await openMessageStore(database, keys));
  } finally {
    await database.dataSource.destroy();
  }
}

const NO_LIMITS = { quietSince: null, windows: [] };
const RECIPIENT = 'Zanzibar.Quokka+tag@wombat.example';
const link = () =>
  sampleLink({
    recipient: RECIPIENT,
    addressKey: addressKey(RECIPIENT),
    data: { secret: 'Xylophone' },
    templateData: { name: 'Quokkina' },
  });
const theirs = { recipients: [{ key: recipientKey(RECIPIENT), addressKey: addressKey(RECIPIENT) }] };
const questionFor = ({ id, createdAt }: Link): Redemption => ({
  id,
  app: 'default',
  purpose: 'password-reset',
  fingerprint: null,
  challenge: null,
  challengeRequired: false,
  redeemKey: 'mine',
  now: createdAt,
});
const found = async (links: LinkStore): Promise<(string | null)[]> =>
  Array.from(await links.list('default', theirs, { limit: 9 }, Date.now()), ({ recipient }) => recipient);
const refusal = {
  app: 'default',
  recipientKey: addressKey(RECIPIENT)!,
  purpose: '*',
  recipient: RECIPIENT,
  reason: 'refused',
  createdAt: 1,
  until: null,
} as const;

test('no part of whom a link is for is in the files, nor what it is looked up by without the key', async () => {
  const one = link();
  await inStores(dataKeys('a'), async (links, messages) => {
    await links.insert(one, NO_LIMITS);
    await messages.suppress(refusal);
    expect(await links.find('default', one.id)).toEqual(one);
    // While the WAL is there.
    for (const file of readdirSync(directory)) {
      const bytes = readFileSync(join(directory, file)).toString('latin1');
      for (const word of [
        /quokka/i,
        /zanzibar/i,
        /wombat/i,
        /xylophone/i,
        recipientKey(RECIPIENT),
        addressKey(RECIPIENT)!,
      ])
        expect(bytes).not.toMatch(word);
    }
    expect(readdirSync(directory)).toContain('sealed.sqlite-wal');
  });
});

test('a key in front seals from now on; what the old ones sealed opens and is found, in both directions', async () => {
  await inStores(dataKeys('old'), (links) => links.insert(link(), NO_LIMITS));
  await inStores(dataKeys('new', 'old'), async (links) => {
    await links.insert(link(), NO_LIMITS);
    expect(await found(links)).toEqual([RECIPIENT, RECIPIENT]);
    const limit = { quietSince: null, windows: [{ by: 'recipient', since: 0, count: 2 } as const] };
    expect(await links.insert(link(), limit)).toBe(false);
    expect(await links.revoke('default', theirs, Date.now())).toBe(2);
  });
});

test('a key with a plus opens and does not seal: every instance can know it before any seals with it', async () => {
  await inStores(dataKeys('old'), (links) => links.insert(link(), NO_LIMITS));
  const [fresh, old] = dataKeysText('new', 'old').split(',');
  const both = DataKeys.parse(`+${fresh},${old}`)!;
  const waiting = link();
  await inStores(both, async (links) => {
    await links.insert(waiting, NO_LIMITS);
    expect(await found(links)).toEqual([RECIPIENT, RECIPIENT]);
  });
  await inStores(dataKeys('old'), async (links) => expect(await links.find('default', waiting.id)).toEqual(waiting));
  const sealed = link();
  await inStores(dataKeys('new', 'old'), (links) => links.insert(sealed, NO_LIMITS));
  await inStores(both, async (links) => expect(await links.find('default', sealed.id)).toEqual(sealed));
});

test('what was sealed by a key that is not here is not acted on, and its mail is left to others', async () => {
  const ahead = dataKeys('new', 'old');
  const mailed = { status: 'queued', dueAt: 1, deliverBy: 2e13 } as const;
  const [first, second] = [link(), sampleLink({ ...link(), via: 'email', delivery: mailed })];
  const key = { idempotencyKey: 'key', requestDigest: 'digest' };
  await inStores(dataKeys('old'), async (behind) => {
    await inStores(ahead, async (links) => {
      await links.insert({ ...first, ...key }, NO_LIMITS);
      await links.insert(second, NO_LIMITS);
    });
    await expect(behind.find('default', first.id)).rejects.toBeInstanceOf(Unavailable);
    await expect(behind.findByIdempotencyKey('default', 'key')).rejects.toBeInstanceOf(Unavailable);
    await expect(behind.redeem(questionFor(first))).rejects.toBeInstanceOf(Unavailable);
    expect(await behind.claimDue('lease', 10, 20, 9)).toEqual([]);
    expect(await behind.nextDue()).toBe(2_010);
  });
  await inStores(ahead, async (links) => {
    expect(await links.find('default', first.id)).toMatchObject({ recipient: RECIPIENT, redeemKey: 'mine' });
    const [mail] = await links.claimDue('other', 2_010, 4_000, 9);
    expect(mail).toMatchObject({ id: second.id, recipient: RECIPIENT });
  });
});

test('what was stored before there were keys stays readable, found and suppressed', async () => {
  await inStores(undefined, async (links, messages) => {
    await links.insert(link(), NO_LIMITS);
    await messages.suppress(refusal);
  });
  await inStores(dataKeys('a'), async (links, messages) => {
    const next = sampleLink({ ...link(), via: 'email', delivery: { status: 'queued', dueAt: 1, deliverBy: 2 } });
    expect(await links.insert(next, NO_LIMITS)).toBe('suppressed');
    expect(await found(links)).toEqual([RECIPIENT, RECIPIENT]);
    const list = await messages.listSuppressions('default', {}, { limit: 9 });
    expect(list.map(({ recipient }) => recipient)).toEqual([RECIPIENT]);
    expect(await messages.lift('default', [recipientKey(RECIPIENT), addressKey(RECIPIENT)])).toBe(1);
    expect(await links.revoke('default', theirs, Date.now())).toBe(2);
  });
});

test.each([
  ['no keys', undefined],
  ['another key', dataKeys('b')],
  ['another key of the same name', DataKeys.parse(`a:${randomBytes(32).toString('base64')}`)],
])('with %s nothing is opened: it says so, and what is missing', async (_name, keys) => {
  await inStores(dataKeys('a'), (links) => links.insert(link(), NO_LIMITS));
  await expect(inStores(keys, found)).rejects.toThrow(/DATA_KEYS/);
});

test('a sealed text opens only where it stands', () => {
  const keys = dataKeys('a');
  const sealed = keys.seal('ann@example.com', 'row recipient');
  expect(sealed).not.toBe(keys.seal('ann@example.com', 'row recipient'));
  expect(keys.open(sealed, 'row recipient')).toBe('ann@example.com');
  expect(keys.open(sealed, 'another recipient')).toBeUndefined();
  for (let at = 9; at < sealed.length - 1; at++) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    expect(keys.open(sealed.slice(0, at) + other + sealed.slice(at + 1), 'row recipient')).not.toBe('ann@example.com');
  }
});

test.each([
  '',
  'a',
  'a:',
  'a:AAAA',
  `a:${'A'.repeat(44)}`,
  `:${randomBytes(32).toString('base64')}`,
  `a:${randomBytes(31).toString('base64')}`,
  `+a:${randomBytes(32).toString('base64')}`,
  `a:${randomBytes(32).toString('base64')},+a:${randomBytes(32).toString('base64')}`,
  `a:${Buffer.alloc(32, 'what people take for a secret').toString('base64')}`,
  `a:${Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7)).toString('base64')}`,
])('%j is no key set', (text) => expect(DataKeys.parse(text)).toBeUndefined());
