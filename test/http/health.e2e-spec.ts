import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startService, type TestService } from '../support/service.js';

/** What else is in the directory of SQLite's file goes with it. */
const FILES = ['', '-wal', '-shm'];

let service: TestService;
afterEach(() => service.stop());
const file = (): string => join(service.directory, 'oncelink.sqlite');
const ready = async (): Promise<[number, string]> => {
  const { status, body } = await service.request('GET', '/health/ready');
  return [status, body.checks.database];
};
const told = (): string[] => service.logged().split('\n').filter((line) => line.includes('database file')); // prettier-ignore

describe('an instance whose SQLite file', () => {
  beforeEach(async () => {
    service = await startService();
    expect((await service.mint()).status).toBe(201);
    expect(await ready()).toEqual([200, 'ok']);
  });

  test('was deleted is not ready: whatever it writes is lost with it', async () => {
    for (const end of FILES) rmSync(file() + end);
    for (let nth = 0; nth < 3; nth++) expect(await ready()).toEqual([503, 'failed']);
    expect(told()).toEqual([expect.stringContaining('cannot be found any more')]);
  });

  test('was replaced, as by a backup, is not ready', async () => {
    copyFileSync(file(), `${file()}.backup`);
    renameSync(`${file()}.backup`, file());
    for (let nth = 0; nth < 3; nth++) expect(await ready()).toEqual([503, 'failed']);
    expect(told()).toEqual([expect.stringContaining('is another one than was opened')]);
  });

  test('was moved and comes back is ready again, and the next time is told again', async () => {
    const away = join(service.directory, 'away');
    mkdirSync(away);
    for (let nth = 1; nth <= 2; nth++) {
      renameSync(file(), join(away, 'file'));
      expect(await ready()).toEqual([503, 'failed']);
      renameSync(join(away, 'file'), file());
      expect(await ready()).toEqual([200, 'ok']);
      expect(told()).toHaveLength(nth);
    }
  });
});

test('a database in memory has no file to lose, nor leaves one where the service was started', async () => {
  service = await startService({ env: { DATABASE_URL: 'sqlite::memory:' } });
  expect(await ready()).toEqual([200, 'ok']);
  expect(existsSync('demo.sqlite')).toBe(false);
});
