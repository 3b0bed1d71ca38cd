import { generateKeyPairSync } from 'node:crypto';
import { judgeClock } from '../../src/cli/doctor/database.js';
import { judgeDkim } from '../../src/cli/doctor/dkim.js';

describe('DKIM', () => {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [ours, other] = [pair(), pair()];
  const record = ({ publicKey }: typeof ours) =>
    `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
  const key = {
    domainName: 'example.com',
    keySelector: 'mail2026',
    privateKey: ours.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
  const asked: string[] = [];
  const judge = (...records: string[][]) =>
    judgeDkim(key, async (name) => {
      asked.push(name);
      return records;
    });

  test('the published key is ours, in pieces and beside other records', async () => {
    const text = record(ours);
    expect(await judge(['v=spf1 -all'], [text.slice(0, 255), text.slice(255)])).toMatchObject({ result: 'ok' });
    expect(asked).toEqual(['mail2026._domainkey.example.com']);
  });

  test('another key, a withdrawn one, none, or no answer: what to publish is said', async () => {
    expect(await judge([record(other)])).toMatchObject({ result: 'FAIL' });
    expect(await judge(['v=DKIM1; p='])).toMatchObject({ result: 'FAIL' });
    expect(await judge(['v=spf1 -all'])).toMatchObject({ result: 'warn' });
    const silence = await judgeDkim(key, () => Promise.reject(new Error('ETIMEOUT')));
    expect(silence).toMatchObject({ result: 'warn', detail: expect.stringContaining(record(ours)) });
    expect(silence.detail).not.toContain('PRIVATE');
  });
});

test.each([
  [1_000, 'ok', 'agrees'],
  [2_500, 'ok', 'agrees'],
  [-1_000, 'warn', '2.0 s ahead of'],
  [5_000, 'warn', '3.0 s behind'],
  [60_000, 'FAIL', '58.0 s behind'],
])('a database at %i ms, asked from 1,000 to 2,000: %s', (theirs, result, words) =>
  expect(judgeClock(theirs, 1_000, 2_000)).toMatchObject({ result, detail: expect.stringContaining(words) }),
);
