import { jest } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeKeyFile } from '../../src/cli/key-file-change.js';
import { newKey } from '../../src/links/new-key.js';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'oncelink-keys-'));
  file = join(directory, 'keys.json');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

/** Has `onSync` called in place of every flush, with what is to be flushed. */
async function watchFlushes(onSync: (what: 'file' | 'directory') => void): Promise<void> {
  const some = await open(directory);
  const handles = Object.getPrototypeOf(some) as FileHandle;
  await some.close();
  jest.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
    onSync((await this.stat()).isDirectory() ? 'directory' : 'file');
  });
}
const kidInFile = (): string | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).keys[0].kid;
  } catch {
    return undefined;
  }
};

test('the keys are on disk before they have the name of the old ones, and the name is before the change is done', async () => {
  const flushes: unknown[] = [];
  await watchFlushes((what) => flushes.push([what, kidInFile()]));
  const [first, second] = [await newKey('HS256', Date.now()), await newKey('HS256', Date.now())];
  for (const key of [first, second]) await changeKeyFile(file, async () => [key]);
  expect(flushes).toEqual([
    ['file', undefined],
    ['directory', first.kid],
    ['file', first.kid],
    ['directory', second.kid],
  ]);
});

test.each([
  ['EINVAL', true],
  ['EPERM', true],
  ['EIO', false],
])('a directory that answers a flush with %s will do: %s', async (code, willDo) => {
  await watchFlushes((what) => {
    if (what === 'directory') throw Object.assign(new Error(`${code}: fsync`), { code });
  });
  const key = await newKey('HS256', Date.now());
  const changed = changeKeyFile(file, async () => [key]);
  if (willDo) await changed;
  else await expect(changed).rejects.toThrow(/The key file cannot be changed: .*EIO/);
  expect(kidInFile()).toBe(key.kid);
});
