import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { KeyFile, modeFault, readKeyFile } from '../../src/links/key-file.js';
import { KeySetError } from '../../src/links/jwk-set.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'oncelink-keys-'));
  path = join(directory, 'keys.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

const secrets = new Map<string, string>();
function setOf(...kids: string[]): string {
  const keys = kids.map((kid) => {
    const k = secrets.get(kid) ?? randomBytes(32).toString('base64url');
    secrets.set(kid, k);
    return { kty: 'oct', alg: 'HS256', kid, k };
  });
  return JSON.stringify({ keys });
}
const write = (text: string, file = path, mode = 0o600): void => {
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
};

function followed(strict = true) {
  const ring = readKeyFile(path, strict);
  const events: string[] = [];
  const file = new KeyFile(path, strict, ring, (event, facts) => events.push(`${event} ${JSON.stringify(facts)}`));
  return { file, events, kids: () => ring.keys.map(({ kid }) => kid) };
}

test('what is written, renamed into place, or behind a link that is turned is taken over', async () => {
  write(setOf('a'), join(directory, 'first'));
  symlinkSync('first', path);
  const { file, kids } = followed();
  write(setOf('b', 'a'), join(directory, 'first'));
  await file.look();
  expect(kids()).toEqual(['b', 'a']);
  write(setOf('c', 'b'), join(directory, 'second'));
  symlinkSync('second', join(directory, 'turned'));
  renameSync(join(directory, 'turned'), path);
  await file.look();
  expect(kids()).toEqual(['c', 'b']);
  write(setOf('d'), join(directory, 'third'));
  renameSync(join(directory, 'third'), path);
  await file.look();
  expect(kids()).toEqual(['d']);
});

test('what cannot be used changes nothing and is told once; mended, it is taken over', async () => {
  write(setOf('a'));
  const { file, events, kids } = followed();
  await file.look();
  for (const broken of [
    '{"keys":',
    setOf('b', 'b'),
    '{"keys":[{"kty":"oct","alg":"HS256","kid":"a","k":"c2hvcnQ"}]}',
  ]) {
    write(broken);
    await file.look();
    await file.look();
  }
  rmSync(path);
  await file.look();
  await file.look();
  expect(kids()).toEqual(['a']);
  expect(events.map((event) => event.split(' {')[0])).toEqual([
    'signing keys read',
    ...Array<string>(4).fill('signing keys not usable'),
  ]);
  expect(events.join()).not.toContain(secrets.get('a'));
  expect(events.at(-1)).toContain('does not exist');
  write(setOf('b', 'a'));
  await file.look();
  expect(kids()).toEqual(['b', 'a']);
});

test('a running service looks by itself', async () => {
  write(setOf('a'));
  const ring = readKeyFile(path, true);
  write(setOf('b'));
  let file!: KeyFile;
  await new Promise<unknown>((resolve) => (file = new KeyFile(path, true, ring, resolve)).follow());
  file.stop();
  expect(ring.keys.map(({ kid }) => kid)).toEqual(['b']);
});

test('it looks often enough for a revocation to count everywhere within five seconds, until it is stopped', () => {
  write(setOf('a'));
  const { file } = followed();
  let count = 0;
  file.look = async () => void count++;
  jest.useFakeTimers();
  try {
    file.follow();
    for (let looks = 1; looks <= 3; looks++) {
      // Half of the time is for reading it, on a machine that has other things to do.
      jest.advanceTimersByTime(2_500);
      expect(count).toBeGreaterThanOrEqual(looks);
    }
    file.stop();
    const before = count;
    jest.advanceTimersByTime(60_000);
    expect(count).toBe(before);
  } finally {
    jest.useRealTimers();
  }
});

test('why a file cannot be read is told', () => {
  expect(() => readKeyFile(path, true)).toThrow('names a file that does not exist');
  expect(() => readKeyFile(directory, false)).toThrow('cannot be read by this user (EISDIR)');
});

test('a look at what has not changed does nothing', async () => {
  write(setOf('a'));
  const { file, events } = followed();
  await file.look();
  write(setOf('a'));
  await file.look();
  expect(events).toEqual(['signing keys read {"keys":["a"]}']);
});

describe('a file that others can read', () => {
  test.each([0o644, 0o640, 0o604, 0o620, 0o666, 0o777])('is refused where it matters (mode %o)', (mode) => {
    write(setOf('a'), path, mode);
    expect(() => readKeyFile(path, true)).toThrow(KeySetError);
    expect(() => readKeyFile(path, true)).toThrow('chmod 600');
    expect(readKeyFile(path, false).keys).toHaveLength(1);
  });

  test.each([0o600, 0o400])('is not one of mode %o', (mode) => {
    write(setOf('a'), path, mode);
    expect(readKeyFile(path, true).keys).toHaveLength(1);
  });

  test('is not taken over by a running service either; in development it is, with a warning', async () => {
    write(setOf('a'));
    const [strict, lenient] = [followed(true), followed(false)];
    write(setOf('b'), path, 0o644);
    await strict.file.look();
    await lenient.file.look();
    expect([strict.kids(), lenient.kids()]).toEqual([['a'], ['b']]);
    expect(strict.events).toEqual([expect.stringContaining('0644')]);
    expect(lenient.events.at(-1)).toMatch(/open to others .*0644/);
    chmodSync(path, 0o600);
    await strict.file.look();
    expect(strict.kids()).toEqual(['b']);
  });

  test("root's may be for the group of a service that is not root: so orchestrators hand out secrets", () => {
    const getuid = process.getuid;
    try {
      process.getuid = () => 1000;
      const fault = (mode: number, uid: number) => modeFault({ mode, uid }) !== undefined;
      expect([0o640, 0o440].map((mode) => [fault(mode, 0), fault(mode, 1000)])).toEqual([
        [false, true],
        [false, true],
      ]);
      expect([0o644, 0o660].map((mode) => fault(mode, 0))).toEqual([true, true]);
    } finally {
      process.getuid = getuid;
    }
  });
});
