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
import { startPostgres, type Postgres } from '../support/postgres.js';

let directory: string;
let url: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'oncelink-sealed-'));
  url = `sqlite:${join(directory, 'sealed.sqlite')}`;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Opens the one database of a test anew, as a restart would. */
async function inStores<Answer>(
  keys: DataKeys | undefined,
  work: (links: LinkStore, messages: MessageStore) => Promise<Answer>,
): Promise<Answer> {
  const database = await openWithSchema({ url, migrate: true });
  try {
    await new SqlAppStore(database).save({ id: 'default', name: 'An app', redirectUris: [] });
    return await work(await openLinkStore(database, keys), await openMessageStore(database, keys));
  } finally {
    await database.dataSource.destroy();
  }
}

const NO_LIMITS = { quietSince: null, windows: [] };
const RECIPIENT = 'Zanzibar.Quokka+tag@wombat.example';
const link = (recipient = RECIPIENT) =>
  sampleLink({ recipient, data: { secret: 'Xylophone' }, templateData: { name: 'Quokkina' } });
const mailed = (recipient = RECIPIENT): Link => {
  const delivery = { status: 'queued', dueAt: 1, deliverBy: 2e13 } as const;
  return sampleLink({ ...link(recipient), via: 'email', delivery });
};
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
  Array.from((await links.list('default', theirs, { limit: 9 }, Date.now())).items, ({ recipient }) => recipient);
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

describe.each(['sqlite', 'postgres'])('on %s', (engine) => {
  let postgres: Postgres | undefined;
  beforeAll(async () => void (postgres = engine === 'postgres' ? await startPostgres() : undefined), 60_000);
  afterAll(() => postgres?.stop(), 120_000);
  beforeEach(async () => void (url = (await postgres?.createDatabase()) ?? url));

  test.each([
    ['another key', dataKeys('old')],
    ['a key whose name differs in case', dataKeys('NEW')],
    ['no keys yet', undefined],
  ])('an instance with %s does not act on what it cannot open, and leaves it whole to the others', async (_, keys) => {
    const [own, first, second] = [link(), link(), mailed()];
    const key = { idempotencyKey: 'key', requestDigest: 'digest' };
    await inStores(keys, async (behind, messages) => {
      await inStores(dataKeys('new', 'old'), async (links, ahead) => {
        await links.insert({ ...first, ...key }, NO_LIMITS);
        await links.insert(second, NO_LIMITS);
        await ahead.suppress({ ...refusal, purpose: 'magic-link' });
      });
      await expect(behind.find('default', first.id)).rejects.toBeInstanceOf(Unavailable);
      await expect(behind.findByIdempotencyKey('default', 'key')).rejects.toBeInstanceOf(Unavailable);
      expect(await behind.redeem(questionFor(first))).toBeUndefined();
      await expect(messages.find('default', second.id)).rejects.toBeInstanceOf(Unavailable);
      const lists = await Promise.all([
        behind.list('default', {}, { limit: 9 }, 1),
        messages.list('default', {}, { limit: 9 }),
      ]);
      expect(
        lists.flatMap(({ items }): readonly Link[] => items).map(({ recipient, data }) => [recipient, data]),
      ).toEqual(Array(3).fill([null, {}]));
      const [{ recipient }] = (await messages.listSuppressions('default', {}, { limit: 9 })) as [typeof refusal];
      expect(recipient).toBe('');
      expect(await behind.claimDue('lease', 10, 20, 9)).toEqual([]);
      expect(await behind.nextDue()).toBe(2_010);
      await behind.insert(own, NO_LIMITS);
      expect(await behind.redeem(questionFor(own))).toMatchObject({ recipient: RECIPIENT, data: own.data });
    });
    await inStores(dataKeys('new', 'old'), async (links) => {
      expect(await links.redeem(questionFor(first))).toMatchObject({ recipient: RECIPIENT, data: first.data });
      const used = { ...first, ...key, redeemedAt: first.createdAt, redeemKey: 'mine' };
      expect(await links.find('default', first.id)).toMatchObject(used);
      await expect(links.claimDue('other', 2_010, 4_000, 9)).resolves.toMatchObject([{ id: second.id }]);
    });
  });

  test('what any of the keys sealed is redeemed, and what none did', async () => {
    const [plain, old, fresh] = [link(), link(), link()];
    await inStores(undefined, (links) => links.insert(plain, NO_LIMITS));
    await inStores(dataKeys('old'), (links) => links.insert(old, NO_LIMITS));
    await inStores(dataKeys('new', 'old'), async (links) => {
      await links.insert(fresh, NO_LIMITS);
      const won = await Promise.all([plain, old, fresh].map((one) => links.redeem(questionFor(one))));
      expect(won.map((one) => one?.recipient)).toEqual([RECIPIENT, RECIPIENT, RECIPIENT]);
    });
  });

  test('what was stored before there were keys stays readable, found and suppressed', async () => {
    await inStores(undefined, async (links, messages) => {
      await links.insert(link(), NO_LIMITS);
      await messages.suppress(refusal);
    });
    await inStores(dataKeys('a'), async (links, messages) => {
      expect(await links.insert(mailed(), NO_LIMITS)).toBe('suppressed');
      expect(await found(links)).toEqual([RECIPIENT, RECIPIENT]);
      const list = await messages.listSuppressions('default', {}, { limit: 9 });
      expect(list.map(({ recipient }) => recipient)).toEqual([RECIPIENT]);
      expect(await messages.lift('default', [recipientKey(RECIPIENT), addressKey(RECIPIENT)])).toBe(1);
      expect(await links.revoke('default', theirs, Date.now())).toBe(2);
    });
  });

  /** Sends every link to them once more. @returns what becomes of the mails */
  const resent = async (links: LinkStore): Promise<string[]> => {
    for (const one of (await links.list('default', theirs, { limit: 9 }, 1)).items)
      await links.requeue(one, NO_LIMITS, { now: 1_000, deliverBy: 2e13 });
    return (await links.claimDue('again', 1_000, 2_000, 9)).map(({ delivery }) => delivery.status);
  };
  const MAILBOX = 'zanzibar.quokka@wombat.example';
  const ofTheMailbox = { ...refusal, recipientKey: recipientKey(MAILBOX), recipient: MAILBOX };

  test.each([
    ['the address', refusal],
    ['the mailbox', ofTheMailbox],
  ])('a link that is older than the keys is not mailed again to whoever refused %s', async (_, suppression) => {
    const [idle, queued] = [sampleLink({ ...mailed(), delivery: { status: 'sent', sentAt: 1 } }), mailed()];
    await inStores(undefined, async (links, messages) => {
      await links.insert(idle, NO_LIMITS);
      await links.insert(queued, NO_LIMITS);
      await messages.suppress(suppression);
    });
    await inStores(dataKeys('a'), async (links) => {
      expect(await resent(links)).toEqual(['suppressed', 'suppressed']);
      expect(await links.wentTo('default', idle.id, theirs.recipients[0]!)).toBe(true);
      expect(await links.revoke('default', theirs, Date.now())).toBe(2);
    });
  });

  test('nor to whoever refuses after the keys came, until that is lifted', async () => {
    const other = mailed(MAILBOX);
    await inStores(undefined, async (links) => {
      await links.insert(mailed(), NO_LIMITS);
      await links.insert(other, NO_LIMITS);
    });
    await inStores(dataKeys('a'), async (links, messages) => {
      await messages.suppress(refusal);
      const fates = await links.claimDue('first', 10, 1e13, 9);
      expect(fates.map(({ recipient, delivery }) => [recipient, delivery.status]).sort()).toEqual([
        [RECIPIENT, 'suppressed'],
        [MAILBOX, 'sending'],
      ]);
      expect(await messages.lift('default', [recipientKey(RECIPIENT), addressKey(RECIPIENT)])).toBe(1);
      expect(await resent(links)).toEqual(['sending']);
    });
  });

  test('a suppression that was looked up by the new keys already, but not sealed, stays', async () => {
    await inStores(undefined, async (links, messages) => {
      await messages.suppress({ ...refusal, recipientKey: dataKeys('a').blind(refusal.recipientKey) });
      await links.insert(mailed(), NO_LIMITS);
    });
    await inStores(dataKeys('a'), async (links, messages) => {
      expect(await resent(links)).toEqual(['suppressed']);
      const list = await messages.listSuppressions('default', {}, { limit: 9 });
      expect(list.map(({ recipient }) => recipient)).toEqual([RECIPIENT]);
    });
  });

  test('suppressions whose key was taken away keep nobody from starting', async () => {
    await inStores(dataKeys('gone'), (_, messages) => messages.suppress(refusal));
    await inStores(dataKeys('a'), async (_, messages) =>
      expect(await messages.listSuppressions('default', {}, { limit: 9 })).toMatchObject([{ recipient: '' }]),
    );
  });

  test('nor what an instance without keys minted beside one that suppressed already', async () => {
    await inStores(undefined, async (behind, messages) => {
      await inStores(dataKeys('a'), (_, ahead) => ahead.suppress(refusal));
      await behind.insert(mailed(), NO_LIMITS);
      await messages.suppress(ofTheMailbox);
    });
    await inStores(dataKeys('a'), async (links, messages) => {
      expect(await resent(links)).toEqual(['suppressed']);
      expect(await messages.lift('default', [recipientKey(RECIPIENT), addressKey(RECIPIENT)])).toBe(2);
    });
  });
});

test('what an app stored without keys is its own, though it looks sealed', async () => {
  const own = { ...link(), data: { '': 'sealed:a:AAAA' } };
  for (const keys of [undefined, dataKeys('a')])
    await inStores(keys, async (links) => {
      if (!keys) await links.insert(own, NO_LIMITS);
      expect(await links.find('default', own.id)).toEqual(own);
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

describe('the last key finds everybody again, and cannot be', () => {
  test.each([
    ['left out', dataKeys('b')],
    ['anywhere else', dataKeys('a', 'b')],
  ])('%s: not when it is a link that tells', async (_how, keys) => {
    await inStores(dataKeys('b', 'a'), (links) => links.insert(link(), NO_LIMITS));
    await expect(inStores(keys, found)).rejects.toThrow(/the last of DATA_KEYS .* put that one back at the end/i);
  });

  test.each([[RECIPIENT], ['zanzibar.quokka@wombat.example']])(
    'left out: not when there is no more but the suppression of %s',
    async (recipient) => {
      const key = addressKey(recipient) ?? recipientKey(recipient);
      const complaint = { app: 'default', purpose: '*', reason: 'complained', createdAt: 1, until: null } as const;
      await inStores(dataKeys('b', 'a'), (_links, messages) =>
        messages.suppress({ ...complaint, recipient, recipientKey: key }),
      );
      await inStores(dataKeys('c', 'b', 'a'), async () => {});
      await expect(inStores(dataKeys('b'), found)).rejects.toThrow(/the last of DATA_KEYS/i);
    },
  );
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
