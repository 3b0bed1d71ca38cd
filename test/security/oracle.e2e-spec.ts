import { randomBytes } from 'node:crypto';
import { ApiKeys } from '../../src/apps/api-keys.js';
import { throws } from '../../src/links/expected-error.js';
import { Tokens } from '../../src/links/tokens.js';
import { migrateDatabase } from '../../src/storage/schema.js';
import { tell } from '../faults/size.js';
import { ChildService, productionHome } from '../support/child-service.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { Relay } from '../support/relay.js';
import { API_KEY, eventually, HandSetClock, startService, type TestService } from '../support/service.js';
import { TemplatesCopy } from '../support/templates.js';
import { Outsider, outwardly, Sink, type Seen } from './oracle-answers.js';

/**
 * What somebody outside sees of an app that mints a decoy for every address it does not know is whether and when the
 * mint answered, and perhaps its bytes. The settings are those of production: the known get mail, through a real relay.
 * Times are compared only with `ORACLE=full`, on a machine that does nothing else.
 */
const FULL = process.env['ORACLE'] === 'full';
const EACH = 5_000;
/** of each kind, on each engine */
const FEW = FULL ? 100 : 40;
/** The distributions of times may differ by chance this rarely. */
const SIGNIFICANCE = 0.01;

/** In whole seconds, as a link's end is. */
const clock = new HandSetClock(Math.floor(Date.now() / 1000) * 1000);
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
let people = 0;
const recipientOf = (person: number): string => `person-${String(person).padStart(6, '0')}@example.com`;
const bodyOf = (known: boolean, person: number, more: object = {}): object => ({
  purpose: 'password-reset',
  recipient: recipientOf(person),
  subject: `user_${String(person).padStart(6, '0')}`,
  ...more,
  ...(!known && { decoy: true }),
});

const full = FULL ? test : test.skip;
if (!FULL) console.warn('SKIPPED: the distributions of times need a machine that does nothing else (ORACLE=full)');

describe.each(['sqlite', 'postgres'])('on %s', (engine) => {
  const templates = new TemplatesCopy();
  /** whose mails are due at the relay */
  const mailed: string[] = [];
  let postgres: Postgres | undefined;
  let relay: Relay;
  let service: TestService;
  let outsider: Outsider;

  /** @returns an empty database, as a setting */
  async function database(): Promise<Record<string, string>> {
    if (!postgres) return {};
    const url = await postgres.createDatabase();
    await migrateDatabase(url);
    return { DATABASE_URL: url };
  }

  beforeAll(async () => {
    // A code for the screen stands in for the proof that the browser is the same.
    templates.edit('purposes/magic-link/purpose.yaml', 'oneTimeCode: none', 'oneTimeCode: screen');
    templates.edit('purposes/magic-link/purpose.yaml', 'binding: optional', 'binding: required');
    postgres = engine === 'postgres' ? await startPostgres() : undefined;
    relay = await Relay.start();
    const key = { kty: 'oct', alg: 'HS256', kid: 'one', k: randomBytes(32).toString('base64url') };
    service = await startService({
      clock,
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'error',
        SIGNING_KEYS: JSON.stringify({ keys: [key] }),
        SMTP_URL: relay.url,
        MAIL_FROM: 'Example <no-reply@example.com>',
        TEMPLATES_DIR: templates.directory,
        ...(await database()),
      },
    });
    outsider = await Outsider.at(service.port);
  }, 60_000);
  afterAll(async () => {
    outsider?.leave();
    await service?.stop();
    await relay.stop();
    await postgres?.stop();
    templates.discard();
  });

  const mint = (known: boolean, person: number, more: { delivery?: string } = {}, headers = {}): Promise<Seen> => {
    if (known && more.delivery !== 'return') mailed.push(recipientOf(person));
    return outsider.ask('/v1/links', bodyOf(known, person, more), headers);
  };

  /** What was due has been taken when the mail arrives that was asked for after it: also a decoy, whose life begins anew then. */
  const courierHasPassed = async (): Promise<void> => {
    await mint(true, ++people);
    await relay.mailTo(recipientOf(people));
  };

  test.each<[string, object, string[]]>([
    ['mailed', {}, ['status']],
    ['mailed, with a code for the screen', { purpose: 'magic-link', codeChallenge: CHALLENGE }, ['status']],
    ['mailed, with data', { locale: 'de-AT', data: { plan: 'pro' }, templateData: { name: 'Ann' } }, ['status']],
    ['returned', { delivery: 'return' }, []],
    ['returned, with a code', { delivery: 'return', purpose: 'magic-link', codeChallenge: CHALLENGE }, []],
  ])('known and unknown addresses: one answer for all, to the byte: %s', async (_what, more, knowledge) => {
    const seen = new Set<string>();
    for (const known of shuffled(FEW / 4)) {
      const answer = await mint(known, ++people, more);
      expect(answer.status).toBe(201);
      seen.add(outwardly(answer, knowledge, clock.time));
    }
    expect([...seen]).toHaveLength(1);
  });

  test('the same request once more, by its key, is answered alike', async () => {
    const seen = new Set<string>();
    for (const known of shuffled(4)) {
      const key = { 'idempotency-key': `again-${++people}` };
      const first = await mint(known, people, {}, key);
      if (known) await relay.mailTo(recipientOf(people));
      const again = await outsider.ask('/v1/links', bodyOf(known, people), key);
      expect(again.raw).toContain('idempotency-replayed: true');
      expect(again.raw.slice(again.raw.indexOf('\r\n\r\n'))).toBe(first.raw.slice(first.raw.indexOf('\r\n\r\n')));
      seen.add(outwardly(again, ['status'], clock.time));
    }
    expect([...seen]).toHaveLength(1);
  });

  test('what cannot be minted is refused alike', async () => {
    for (const wrong of [
      { recipient: 'nobody' },
      { purpose: 'none' },
      { expiresIn: 1e9 },
      { redirectUri: 'https://x.example' },
    ]) {
      const seen = new Set<string>();
      for (const known of shuffled(2)) {
        const answer = await outsider.ask('/v1/links', bodyOf(known, ++people, wrong));
        expect(answer.status).toBe(422);
        seen.add(outwardly(answer, [], clock.time));
      }
      expect([...seen]).toHaveLength(1);
    }
  });

  test('a mail that is asked for again is answered alike, in its cool-down and after it', async () => {
    const courses: string[][] = [];
    for (const known of [true, false]) {
      const person = ++people;
      const { raw } = await mint(known, person);
      const { id } = JSON.parse(raw.slice(raw.indexOf('\r\n\r\n'))) as { id: string };
      if (known)
        await eventually(async () => (await service.api('GET', `/v1/links/${id}`)).body.delivery.status === 'sent');
      await courierHasPassed();
      const course: string[] = [];
      for (const seconds of [10, 21, 1]) {
        const answer = await outsider.ask(`/v1/links/${id}/resend`);
        // Whether it is on its way again already is seen only by the app.
        course.push(outwardly(answer, ['status', 'attempts', 'sentAt'], clock.time).replaceAll(id, '#'));
        clock.advance(seconds);
      }
      clock.advance(3_600);
      courses.push(course);
      if (known) mailed.push(recipientOf(person));
    }
    expect(courses[1]).toEqual(courses[0]);
    expect(courses[0]!.map((answer) => answer.slice(9, 12))).toEqual(['429', '429', '202']);
  });

  test('who asks too often is told the same, known or not', async () => {
    const told = async (known: boolean): Promise<string[]> => {
      const person = ++people;
      const answers: string[] = [];
      const ask = async (): Promise<void> => {
        const answer = await outsider.ask('/v1/links', bodyOf(known, person));
        if (known && answer.status === 201) mailed.push(recipientOf(person));
        answers.push(outwardly(answer, ['status'], clock.time));
      };
      for (let mints = 0; mints < 12; mints++) {
        await ask();
        await ask();
        clock.advance(60);
      }
      clock.advance(3_600);
      return answers;
    };
    const known = await told(true);
    expect(await told(false)).toEqual(known);
    expect(new Set(known.map((answer) => answer.slice(9, 12)))).toEqual(new Set(['201', '429']));
  });

  test('all this time the known got their mails, and the unknown none', async () => {
    // One that is overtaken by the next to the same person need not leave.
    const whom = new Set(mailed);
    await eventually(() => [...whom].every((recipient) => relay.to(recipient).length > 0), 20);
    expect(new Set(relay.offered)).toEqual(whom);
  });

  /** The service is another process, as it is for anybody: what it does after its answer delays nobody's reading of it. */
  full.each([
    ['are let through', 201],
    ['have asked before and are limited', 429],
  ])(
    `${EACH} known and ${EACH} unknown addresses that %s, in drawn order: one answer, and one distribution of times`,
    async (_what, status) => {
      const sink = await Sink.start();
      const home = await productionHome({ SMTP_URL: sink.url, LOG_LEVEL: 'error', ...(await database()) });
      const child = await ChildService.start(home);
      const stranger = await Outsider.at(home.port);
      const whom: string[] = [];
      const answers = new Set<string>();
      const asked = async (known: boolean, person: number, expected: number): Promise<Seen> => {
        const seen = await stranger.ask('/v1/links', bodyOf(known, person));
        expect(seen.status).toBe(expected);
        if (known && expected === 201) whom.push(recipientOf(person));
        return seen;
      };
      try {
        for (const known of shuffled(200)) await asked(known, ++people, 201);
        const took = { known: [] as Seen[], unknown: [] as Seen[] };
        // In drawn order, so that what one mint leaves to be done slows the next of either kind.
        const drawn = shuffled(EACH);
        while (drawn.length > 0) {
          const some = drawn.splice(0, 100).map((known) => [known, ++people] as const);
          if (status === 429) for (const [known, person] of some) await asked(known, person, 201);
          for (const [known, person] of some) {
            const seen = await asked(known, person, status);
            answers.add(outwardly(seen).replace(/^(retry-after: )\d+\r$/im, '$1#\r'));
            took[known ? 'known' : 'unknown'].push(seen);
          }
        }
        expect([...answers]).toHaveLength(1);
        for (const end of ['head', 'body'] as const) {
          const [known, unknown] = [took.known, took.unknown].map((all) => all.map((times) => times[end]));
          const p = kolmogorovSmirnov(known!, unknown!);
          const medians = [known!, unknown!].map((times) => times.sort((a, b) => a - b)[EACH / 2]!.toFixed(3));
          tell(
            `${engine}, ${status}: Kolmogorov-Smirnov to the end of the ${end}: p = ${p.toFixed(3)}; medians ${medians.join(' and ')} ms`,
          );
          expect(p).toBeGreaterThan(SIGNIFICANCE);
        }
        await eventually(async () => (await sink.recipients()).length >= whom.length, 60);
        expect((await sink.recipients()).sort()).toEqual(whom.sort());
      } finally {
        stranger.leave();
        await child.stop();
        await sink.stop();
        home.discard();
      }
    },
    900_000,
  );
});

describe('in this process', () => {
  let service: TestService;
  beforeAll(async () => void (service = await startService({ env: { LOG_LEVEL: 'error' } })));
  afterAll(() => service.stop());

  /**
   * As near as one can get: in this process, where nothing but the judgement is timed. Each attempt has a text of its own:
   * one that is used again lies where it lies, and that alone makes nanoseconds of difference.
   */
  full.each<[string, () => Promise<readonly [() => () => unknown, () => () => unknown]>]>([
    [
      'signature',
      async () => {
        const token = (await service.mintReturned()).token;
        const head = token.slice(0, token.lastIndexOf('.') + 1);
        const signature = Buffer.from(token.slice(head.length), 'base64url');
        const tokens = service.app.get(Tokens);
        const wrongAt = (index: number) => (): (() => unknown) => {
          const bytes = Buffer.from(signature);
          bytes[index]! ^= 1;
          const forged = anew(head + bytes.toString('base64url'));
          return () => throws(() => tokens.readLink(forged));
        };
        return [wrongAt(0), wrongAt(signature.length - 1)];
      },
    ],
    [
      'API key',
      async () => {
        const keys = service.app.get(ApiKeys);
        const other = (letter: string): string => (letter === 'a' ? 'b' : 'a');
        const begin = API_KEY.lastIndexOf('_') + 1;
        const first = API_KEY.slice(0, begin) + other(API_KEY[begin]!) + API_KEY.slice(begin + 1);
        const last = API_KEY.slice(0, -1) + other(API_KEY.at(-1)!);
        const guess = (text: string) => (): (() => unknown) => {
          const key = anew(text);
          return () => keys.authenticate(key);
        };
        return [guess(first), guess(last)];
      },
    ],
  ])(
    'wrong in its first place or in its last, it is refused in the same time: %s',
    async (what, make) => {
      const [first, last] = await make();
      const took = { first: [] as number[], last: [] as number[] };
      for (let warm = 0; warm < 2_000; warm++) await (warm % 2 === 0 ? first : last)()();
      for (const isFirst of shuffled(10_000)) {
        const attempt = (isFirst ? first : last)();
        const began = process.hrtime.bigint();
        await attempt();
        took[isFirst ? 'first' : 'last'].push(Number(process.hrtime.bigint() - began));
      }
      const p = kolmogorovSmirnov(took.first, took.last);
      tell(`${what}: Kolmogorov-Smirnov: p = ${p.toFixed(3)}`);
      expect(p).toBeGreaterThan(SIGNIFICANCE);
    },
    300_000,
  );
});

/** The same text, in one piece and in a place of its own. */
const anew = (text: string): string => Buffer.from(text).toString();

function shuffled(each: number): boolean[] {
  const left = { known: each, unknown: each };
  return Array.from({ length: 2 * each }, () => {
    const known = Math.random() * (left.known + left.unknown) < left.known;
    left[known ? 'known' : 'unknown']--;
    return known;
  });
}

/** @returns the probability that two samples of one distribution differ as much as these: the asymptotic two-sided test */
function kolmogorovSmirnov(left: number[], right: number[]): number {
  const all = [...left.map((time) => [time, 1 / left.length]), ...right.map((time) => [time, -1 / right.length])] as [
    number,
    number,
  ][];
  all.sort(([a], [b]) => a - b);
  let difference = 0;
  let largest = 0;
  for (const [, step] of all) largest = Math.max(largest, Math.abs((difference += step)));
  const size = Math.sqrt((left.length * right.length) / (left.length + right.length));
  const scaled = (size + 0.12 + 0.11 / size) * largest;
  let p = 0;
  for (let k = 1; k <= 100; k++) p += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * scaled * scaled);
  return Math.min(1, Math.max(0, p));
}
