import { ApiKeys } from '../../src/apps/api-keys.js';
import { throws } from '../../src/links/expected-error.js';
import { Tokens } from '../../src/links/tokens.js';
import { ChildService, productionHome } from '../support/child-service.js';
import { API_KEY, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';

/**
 * What somebody outside sees of an app that mints a decoy for every address it does not know is whether and when the
 * mint answered. Times are compared only with `ORACLE=full`, on a machine that does nothing else.
 */
const FULL = process.env['ORACLE'] === 'full';
const EACH = 5_000;
/** The distributions of times may differ by chance this rarely. */
const SIGNIFICANCE = 0.01;

const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => void (service = await startService({ clock, env: { LOG_LEVEL: 'error' } })));
afterAll(() => service.stop());

let people = 0;
function bodyOf(known: boolean, person = ++people): object {
  return {
    purpose: 'password-reset',
    recipient: `person-${String(person).padStart(6, '0')}@example.com`,
    subject: `user_${String(person).padStart(6, '0')}`,
    ...(!known && { decoy: true }),
  };
}
const mint = (known: boolean, person?: number): Promise<Answer> =>
  service.api('POST', '/v1/links', bodyOf(known, person));

test('a hundred known and a hundred unknown addresses: one answer for all', async () => {
  const seen = new Set<string>();
  for (const known of shuffled(100)) seen.add(outwardly(await mint(known)));
  expect([...seen]).toHaveLength(1);
});

const full = FULL ? test : test.skip;
if (!FULL) console.warn('SKIPPED: the distributions of times need a machine that does nothing else (ORACLE=full)');

/** From the beginning of the request to the end of the answer's head and of its body, in ms. */
type Times = Record<'head' | 'body', number>;

/** The service is another process, as it is for anybody: what it does after its answer delays nobody's reading of it. */
full.each([
  ['are let through', 201],
  ['have asked before and are limited', 429],
])(
  `${EACH} known and ${EACH} unknown addresses that %s, in drawn order: one distribution of times`,
  async (_what, status) => {
    const home = await productionHome({ NODE_ENV: 'development', SMTP_URL: '', LOG_LEVEL: 'error' });
    const child = await ChildService.start(home);
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const timed = async (known: boolean, person: number, expected: number): Promise<Times> => {
      const body = JSON.stringify(bodyOf(known, person));
      const began = performance.now();
      const answer = await fetch(`${home.url}/v1/links`, { method: 'POST', headers, body });
      const head = performance.now() - began;
      expect(answer.status).toBe(expected);
      await answer.arrayBuffer();
      return { head, body: performance.now() - began };
    };
    try {
      for (const known of shuffled(200)) await timed(known, ++people, 201);
      const took = { known: [] as Times[], unknown: [] as Times[] };
      // In drawn order, so that what one mint leaves to be done slows the next of either kind.
      const drawn = shuffled(EACH);
      while (drawn.length > 0) {
        const some = drawn.splice(0, 500).map((known) => [known, ++people] as const);
        if (status === 429) for (const [known, person] of some) await timed(known, person, 201);
        for (const [known, person] of some) took[known ? 'known' : 'unknown'].push(await timed(known, person, status));
      }
      for (const end of ['head', 'body'] as const) {
        const [known, unknown] = [took.known, took.unknown].map((all) => all.map((times) => times[end]));
        const p = kolmogorovSmirnov(known!, unknown!);
        const medians = [known!, unknown!].map((times) => times.sort((a, b) => a - b)[EACH / 2]!.toFixed(3));
        process.stdout.write(
          `    Kolmogorov-Smirnov to the end of the ${end}: p = ${p.toFixed(3)}; medians ${medians.join(' and ')} ms\n`,
        );
        expect(p).toBeGreaterThan(SIGNIFICANCE);
      }
    } finally {
      await child.stop();
      home.discard();
    }
  },
  600_000,
);

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
  async (_what, make) => {
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
    process.stdout.write(`    Kolmogorov-Smirnov: p = ${p.toFixed(3)}\n`);
    expect(p).toBeGreaterThan(SIGNIFICANCE);
  },
  300_000,
);

test('who asks too often is told the same, known or not', async () => {
  const told = async (known: boolean): Promise<string[]> => {
    const person = ++people;
    const answers: string[] = [];
    for (let mints = 0; mints < 12; mints++) {
      answers.push(outwardly(await mint(known, person)));
      answers.push(outwardly(await mint(known, person)));
      clock.advance(60);
    }
    clock.advance(3_600);
    return answers;
  };
  const known = await told(true);
  expect(await told(false)).toEqual(known);
  expect(new Set(known.map((answer) => answer.slice(0, 3)))).toEqual(new Set(['201', '429']));
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

/** Everything about an answer that may reach an outsider: what names the link, and the app's own knowledge, left out. */
function outwardly({ status, headers, body }: Answer): string {
  const kept = [...headers].filter(([name]) => !['date', 'location', 'content-length'].includes(name));
  return `${status} ${JSON.stringify(kept)} ${JSON.stringify(Object.keys(body as object))} ${String(body.code)}`;
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
