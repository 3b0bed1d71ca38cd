import { randomBytes } from 'node:crypto';
import { ApiKeys } from '../../src/apps/api-keys.js';
import { SCOPES, type App, type AppStore, type StoredApiKey } from '../../src/apps/app.js';
import { HandSetClock } from '../../src/testing.js';

const SHOP: App = { id: 'shop', name: 'Shop', redirectUris: [] };
const MINUTE = 60_000;

/** As much of a store as keys need; counts what it is asked. */
class Shelf {
  readonly keys = new Map<string, StoredApiKey>();
  asked = 0;
  noted: [id: string, now: number, since: number][] = [];
  failing = false;

  find = async (): Promise<App> => SHOP;
  findKey = async (id: string): Promise<StoredApiKey | undefined> => {
    this.asked++;
    return this.keys.get(id);
  };
  saveKey = async (key: StoredApiKey): Promise<void> => void this.keys.set(key.id, key);
  noteKeyUse = async (id: string, now: number, since: number): Promise<void> => {
    if (this.failing) throw new Error('out of reach');
    this.noted.push([id, now, since]);
    this.keys.set(id, { ...this.keys.get(id)!, lastUsedAt: now });
  };
}

let clock: HandSetClock;
let shelf: Shelf;
let keys: ApiKeys;
beforeEach(() => {
  clock = new HandSetClock(1_800_000_000_000);
  shelf = new Shelf();
  keys = new ApiKeys(shelf as unknown as AppStore, clock.now);
});
const create = async (limits = {}): Promise<{ id: string; key: string }> =>
  keys.create('shop', SCOPES, 'a test', limits);
const later = (ms: number): void => void (clock.time += ms);

test('a key has 160 random bits, and what is stored is none of them', async () => {
  const made = await Promise.all(Array.from({ length: 500 }, () => create()));
  expect(new Set(made.map(({ key }) => key)).size).toBe(500);
  for (const { id, key } of made) {
    const secret = /^olk_[0-9a-f]{16}_([0-9a-f]{40})$/.exec(key)![1]!;
    expect(JSON.stringify(shelf.keys.get(id))).not.toContain(secret);
  }
});

test('any number of keys of an app are good side by side, so that one can follow another', async () => {
  const [old, young] = [await create(), await create()];
  for (const { key, id } of [old, young]) expect(await keys.authenticate(key)).toMatchObject({ app: SHOP, keyId: id });
  shelf.keys.set(old.id, { ...shelf.keys.get(old.id)!, revokedAt: clock.time });
  later(500);
  expect(await keys.authenticate(old.key)).toBeUndefined();
  expect(await keys.authenticate(young.key)).toBeDefined();
});

test('a key with an end is refused from then on', async () => {
  const { key } = await create({ expiresAt: clock.time + 90_000 });
  expect(await keys.authenticate(key)).toBeDefined();
  later(89_999);
  expect(await keys.authenticate(key)).toBeDefined();
  later(500);
  expect(await keys.authenticate(key)).toBeUndefined();
});

test('a revoked key is remembered for half a second at most, also when the clock steps back', async () => {
  const { id, key } = await create();
  await keys.authenticate(key);
  shelf.keys.set(id, { ...shelf.keys.get(id)!, revokedAt: clock.time });
  later(499);
  expect(await keys.authenticate(key)).toBeDefined();
  later(-999);
  expect(await keys.authenticate(key)).toBeUndefined();
});

describe('the last use', () => {
  test('is noted with the first use and then once a minute, however often the key is used', async () => {
    const { id, key } = await create();
    const first = clock.time;
    for (let second = 0; second < 150; second++) {
      await keys.authenticate(key);
      later(1000);
    }
    expect(shelf.noted).toEqual([0, 1, 2].map((nth) => [id, first + nth * MINUTE, first + (nth - 1) * MINUTE]));
  });

  test('is nothing a request waits for or fails for', async () => {
    shelf.failing = true;
    const { key } = await create();
    expect(await keys.authenticate(key)).toBeDefined();
  });

  test('is not one of a key that was refused', async () => {
    const { id, key } = await create();
    await keys.authenticate(`${key.slice(0, -1)}x`);
    shelf.keys.set(id, { ...shelf.keys.get(id)!, revokedAt: clock.time });
    await keys.authenticate(key);
    expect(shelf.noted).toEqual([]);
  });
});

test('a hundred thousand guesses find nothing', async () => {
  const { id, key } = await create();
  const secret = key.split('_')[2]!;
  const at = (index: number): string =>
    secret.slice(0, index) + (secret[index] === '0' ? '1' : '0') + secret.slice(index + 1);
  const near = [
    ...Array.from({ length: 40 }, (_, index) => `olk_${id}_${at(index)}`),
    ...[`olk_${id}_${secret}0`, `olk_${id}_${secret.slice(1)}`, `olk_${id}_${secret.toUpperCase()}`, `olk_${id}_`],
    ...[` ${key}`, `${key} `, `${key}\n`, `${key}\0`, key.replace('olk', 'OLK'), `olk__${secret}`, secret, ''],
    ...[`olk_${'0'.repeat(16)}_${secret}`, `olk_${id}_${shelf.keys.get(id)!.secretHash}`, '__proto__', 'olk_a_%'],
  ].filter((guess) => guess !== key);
  const random = Array.from({ length: 100_000 }, () => `olk_${id}_${randomBytes(20).toString('hex')}`);
  let found = 0;
  for (const guess of [...near, ...random]) if (await keys.authenticate(guess)) found++;
  expect(found).toBe(0);
  expect(await keys.authenticate(key)).toBeDefined();
});

test('a crowd with one key is one question', async () => {
  const { key } = await create();
  await Promise.all(Array.from({ length: 100 }, async () => keys.authenticate(key)));
  expect(shelf.asked).toBe(1);
});

describe('a key in use is looked up anew before its memory runs out', () => {
  const answered = (): Promise<void> => new Promise((turn) => setImmediate(turn));

  test('once, and nobody waits for it', async () => {
    const { key } = await create();
    await keys.authenticate(key);
    for (let n = 0; n < 4; n++) {
      later(250);
      for (let caller = 0; caller < 3; caller++) expect(keys.authenticate(key)).toMatchObject({ app: SHOP });
      await answered();
    }
    expect(shelf.asked).toBe(5);
  });

  test('so one that was revoked ends sooner', async () => {
    const { id, key } = await create();
    await keys.authenticate(key);
    shelf.keys.set(id, { ...shelf.keys.get(id)!, revokedAt: clock.time });
    later(250);
    expect(keys.authenticate(key)).toMatchObject({ keyId: id });
    await answered();
    expect(await keys.authenticate(key)).toBeUndefined();
  });

  test('and where the database gives no answer, the memory runs out as ever', async () => {
    const { key } = await create();
    await keys.authenticate(key);
    shelf.findKey = () => Promise.reject(new Error('out of reach'));
    later(300);
    await keys.authenticate(key);
    await answered();
    later(199);
    expect(keys.authenticate(key)).toMatchObject({ app: SHOP });
    later(1);
    await expect(keys.authenticate(key)).rejects.toThrow('out of reach');
  });
});
