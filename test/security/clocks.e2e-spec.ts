import { expectProblem } from '../support/problem.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { HandSetClock, startService, type TestService } from '../support/service.js';

const HOUR = 3_600;
const purpose = 'password-reset';

let postgres: Postgres;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());

/**
 * Two instances on one database, whose clocks are an hour apart. Neither is that of the database: on PostgreSQL, whose
 * own clock stands elsewhere, the outcomes are the same.
 */
describe.each(['sqlite', 'postgres'] as const)('on %s, of an instance that is an hour ahead of the other', (engine) => {
  const clock = { right: new HandSetClock(), ahead: new HandSetClock() };
  let right: TestService;
  let ahead: TestService;
  beforeAll(async () => {
    const env: Record<string, string> = engine === 'postgres' ? { DATABASE_URL: await postgres.createDatabase() } : {};
    right = await startService({ clock: clock.right, env });
    const { databaseUrl, signingKeysFile, publicUrl } = right.settings;
    const shared = { DATABASE_URL: databaseUrl, SIGNING_KEYS_FILE: signingKeysFile!, PUBLIC_URL: publicUrl };
    ahead = await startService({ clock: clock.ahead, env: shared });
  }, 60_000);
  beforeEach(() => {
    // Five years from the database's.
    clock.right.time = Date.UTC(2031, 0, 1);
    clock.ahead.time = clock.right.time + HOUR * 1000;
  });
  afterAll(async () => {
    await ahead.stop();
    await right.stop();
  });

  const told = async (service: TestService, verb: 'redeem' | 'inspect', token: string): Promise<string> => {
    const { status, body } = await service.api('POST', `/v1/links/${verb}`, { token, purpose });
    return status === 200 ? 'good' : (body.code as string);
  };
  const statusOf = async (service: TestService, id: string): Promise<string> =>
    (await service.api('GET', `/v1/links/${id}`)).body.status;

  test('a link is used once by both, and withdrawn for both, whoever used or withdrew it', async () => {
    for (const [one, other] of [
      [right, ahead],
      [ahead, right],
    ] as const) {
      const [used, revoked] = [
        await right.mintReturned({ expiresIn: 86_400 }),
        await right.mintReturned({ expiresIn: 86_400 }),
      ];
      expect(await told(one, 'redeem', used.token)).toBe('good');
      expect(await told(other, 'redeem', used.token)).toBe('link_redeemed');
      expect(await told(one, 'redeem', used.token)).toBe('link_redeemed');
      await one.api('POST', `/v1/links/${revoked.id}/revoke`);
      expect(await told(other, 'redeem', revoked.token)).toBe('link_revoked');
      expect(await told(one, 'redeem', revoked.token)).toBe('link_revoked');
    }
  });

  test('of twelve at the same instant, half of them at each, one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const { token } = await right.mintReturned({ expiresIn: 86_400 });
      const racers = Array.from({ length: 6 }, () => [told(right, 'redeem', token), told(ahead, 'redeem', token)]);
      const answers = (await Promise.all(racers.flat())).sort();
      expect(answers).toEqual(['good', ...Array<string>(11).fill('link_redeemed')]);
    }
  });

  test('the link that is minted last is the newest, wherever it is minted', async () => {
    for (const [first, last] of [
      [ahead, right],
      [right, ahead],
    ] as const) {
      const subject = `replaced_by_${last === right ? 'right' : 'ahead'}`;
      const older = await first.mintReturned({ subject });
      const newer = await last.mintReturned({ subject });
      expect([await statusOf(last, older.id), await statusOf(last, newer.id)]).toEqual(['superseded', 'active']);
      expect(await told(last, 'redeem', newer.token)).toBe('good');
    }
  });

  test('the end of a life is told by the clock of the instance that is asked: an hour early, or an hour late', async () => {
    const { token, id } = await right.mintReturned({ expiresIn: 1_800 });
    expect(await told(ahead, 'redeem', token)).toBe('link_expired');
    expect([await statusOf(ahead, id), await statusOf(right, id)]).toEqual(['expired', 'active']);
    // That refusal used nothing up.
    expect(await told(right, 'redeem', token)).toBe('good');

    const late = await ahead.mintReturned({ expiresIn: 1_800 });
    clock.right.advance(HOUR + 1_799);
    expect(await told(right, 'redeem', late.token)).toBe('good');
  });

  test('what it signs is from a future that the other does not believe in beyond 30 s, and is good there when it has come', async () => {
    const { token } = await ahead.mintReturned({ expiresIn: 1_800 });
    expectProblem(await right.api('POST', '/v1/links/redeem', { token, purpose }), 'token_invalid');
    clock.right.advance(HOUR - 31);
    expect(await told(right, 'inspect', token)).toBe('token_invalid');
    clock.right.advance(1);
    expect(await told(right, 'redeem', token)).toBe('good');
    expect(await told(ahead, 'redeem', token)).toBe('link_redeemed');
  });

  test('a limit holds over both where its window is longer than the difference, and for each alone where it is not', async () => {
    const recipient = `often-${engine}@example.com`;
    const mint = async (service: TestService): Promise<number> =>
      (await service.mint({ recipient, delivery: 'return' })).status;
    const passed = async (times: number): Promise<number> => {
      let count = 0;
      for (let turn = 0; turn < times; turn++)
        for (const service of [right, ahead]) if ((await mint(service)) === 201) count++;
      return count;
    };
    // Ten an hour: ten by each clock.
    expect(await passed(12)).toBe(20);
    for (const one of Object.values(clock)) one.advance(2 * HOUR + 1);
    // Thirty a day.
    expect(await passed(12)).toBe(10);
  });
});
