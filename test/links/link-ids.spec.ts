import { LinkIds } from '../../src/links/link-ids.js';
import { HandSetClock } from '../../src/testing.js';

test('an id is canonical base64url with at least 128 random bits', () => {
  const ids = new LinkIds(() => 1_800_000_000_000);
  const many = Array.from({ length: 10_000 }, () => ids.next());
  for (const id of many) {
    expect(id).toMatch(/^[A-Za-z0-9_-]{30}$/);
    expect(Buffer.from(id, 'base64url').toString('base64url')).toBe(id);
  }
  expect(new Set(many.map((id) => id.slice(8))).size).toBe(many.length);
  expect(Buffer.from(many[0]!.slice(8), 'base64url')).toHaveLength(16);
});

test('of a hundred thousand ids no two random parts are equal, and each of their bits falls evenly', () => {
  const ids = new LinkIds(() => 1_800_000_000_000);
  const count = 100_000;
  const ones = new Array<number>(128).fill(0);
  const seen = new Set<string>();
  for (let nth = 0; nth < count; nth++) {
    const random = ids.next().slice(8);
    seen.add(random);
    Buffer.from(random, 'base64url').forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit++) ones[index * 8 + bit]! += (byte >> bit) & 1;
    });
  }
  expect(seen.size).toBe(count);
  // Six standard deviations: a fair coin is outside once in four million runs of this test.
  for (const number of ones) expect(Math.abs(number - count / 2)).toBeLessThan(6 * Math.sqrt(count / 4));
});

test('ids sort as they were minted, also within a millisecond and when the clock steps back', () => {
  const clock = new HandSetClock(1_800_000_000_000);
  const ids = new LinkIds(clock.now);
  const minted: string[] = [];
  for (const step of [0, 0, 0, 0.001, 5, -3600, 0, -60, 4000, 0]) {
    clock.advance(step);
    minted.push(ids.next());
  }
  expect([...minted].sort()).toEqual(minted);
});

test('ids go on after the newest that is stored, whatever the clock says after a restart', () => {
  const before = new LinkIds(() => 1_800_000_000_000).next();
  const after = new LinkIds(() => 1_700_000_000_000);
  after.startAfter(before);
  const next = after.next();
  expect(next > before).toBe(true);
  expect(next < LinkIds.floor(1_800_000_000_001)).toBe(true);
});

test('the floor of a moment divides the ids minted before it from the others', () => {
  const at = (ms: number): string => new LinkIds(() => ms).next();
  const floor = LinkIds.floor(1_800_000_000_000);
  expect(at(1_799_999_999_999) < floor).toBe(true);
  expect(at(1_800_000_000_000) >= floor).toBe(true);
  expect(LinkIds.floor(-1)).toBe('00000000');
});
