import { HandSetClock, startService, type Answer, type TestService } from '../support/service.js';

/**
 * What somebody outside sees of an app that mints a decoy for every address it does not know is whether and when the
 * mint answered. Times are compared only with `ORACLE=full`, on a machine that does nothing else.
 */
const FULL = process.env['ORACLE'] === 'full';
const EACH = FULL ? 5_000 : 100;
/** The distributions of times may differ by chance this rarely. */
const SIGNIFICANCE = 0.01;

const clock = new HandSetClock();
let service: TestService;
beforeAll(async () => void (service = await startService({ clock, env: { LOG_LEVEL: 'error' } })));
afterAll(() => service.stop());

let people = 0;
const mint = (known: boolean, person = ++people): Promise<Answer> =>
  service.api('POST', '/v1/links', {
    purpose: 'password-reset',
    recipient: `person-${String(person).padStart(6, '0')}@example.com`,
    subject: `user_${String(person).padStart(6, '0')}`,
    ...(!known && { decoy: true }),
  });

test(`${EACH} known and ${EACH} unknown addresses in drawn order: one answer for both, and the same limits`, async () => {
  const took = { known: [] as number[], unknown: [] as number[] };
  const seen = new Set<string>();
  for (let warm = 0; warm < (FULL ? 300 : 0); warm++) await mint(warm % 2 === 0);
  // In drawn order, so that what one mint leaves to be done slows the next of either kind.
  for (const known of shuffled(EACH)) {
    const began = performance.now();
    const answer = await mint(known);
    took[known ? 'known' : 'unknown'].push(performance.now() - began);
    seen.add(outwardly(answer));
  }
  expect([...seen]).toHaveLength(1);
  if (!FULL) return;
  const p = kolmogorovSmirnov(took.known, took.unknown);
  process.stdout.write(`    Kolmogorov-Smirnov: p = ${p.toFixed(3)}\n`);
  expect(p).toBeGreaterThan(SIGNIFICANCE);
}, 600_000);

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
