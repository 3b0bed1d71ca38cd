import { eventually } from '../support/service.js';
import { Api, type Held } from './api.js';
import { HttpClient } from './http-client.js';
import { instancesOf, type Instance } from './instance.js';
import { judge } from './judge.js';
import { inParallel, Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { PostgresServer } from './postgres-server.js';
import { Chance } from './random.js';
import { sized, tell } from './size.js';

const TOKENS = sized(50, 2000);
const PROCESSES = 3;
/** for each token, on each process */
const RACERS = 16;
const RESTARTS = sized(1, 4);

let postgres: PostgresServer;
beforeAll(async () => void (postgres = await PostgresServer.start()), 60_000);
afterAll(() => postgres.stop());

test(
  `${TOKENS} tokens × ${RACERS} racers × ${PROCESSES} processes on PostgreSQL: one winner each`,
  async () => {
    await withInstances(PROCESSES, { DATABASE_URL: await postgres.createDatabase('race') }, async (instances) => {
      const client = new HttpClient(RACERS * PROCESSES * 2);
      const apis = instances.map(({ url }) => new Api(url, client));
      const links: Held[] = [];
      await inParallel(16, Array.from({ length: TOKENS }), async () => links.push(await apis[0]!.mintReturned()));

      const tally: Record<string, number> = {};
      let doubles = 0;
      let without = 0;
      await inParallel(2, links, async ({ token, id }) => {
        const racers = Array.from({ length: RACERS }, (_, n) =>
          apis.map((api, at) => api.redeem(token, `${id}-${n}-${at}`)),
        );
        const told = (await Promise.all(racers.flat())).map((reply) => `${reply?.status} ${reply?.body.code ?? 'won'}`);
        for (const one of told) tally[one] = (tally[one] ?? 0) + 1;
        const wins = told.filter((one) => one === '200 won').length;
        if (wins > 1) doubles++;
        if (wins === 0) without++;
      });
      client.close();
      tell(JSON.stringify(tally));
      expect({ doubles, without }).toEqual({ doubles: 0, without: 0 });
      expect(tally).toEqual({ '200 won': TOKENS, '410 link_redeemed': TOKENS * (RACERS * PROCESSES - 1) });
    });
  },
  sized(300_000, 900_000),
);

test(
  'rolling restart of two instances under load: nothing acknowledged is lost, and no answer is a fault',
  async () => {
    const sink = await MailSink.start();
    const settings = { SMTP_URL: sink.url, DATABASE_URL: await postgres.createDatabase('rolling') };
    await withInstances(2, settings, async (instances) => {
      const load = new Load(
        instances.map(({ url }) => url),
        sink,
        new Chance(),
      );
      load.start();
      for (let round = 0; round < RESTARTS; round++) {
        for (const instance of instances) {
          const enough = load.minted.length + 100;
          await eventually(() => load.minted.length >= enough || load.hasGoneWrong, 60);
          expect(await instance.stop()).toBe(0);
          await instance.start();
        }
      }
      await load.stop();
      // Nothing crashed, so no mail has an excuse to come twice; any 5xx but 503 would be an oddity.
      const { faults, figures } = judge(await load.history([]));
      tell(JSON.stringify(figures));
      expect(faults).toEqual([]);
    }).finally(() => sink.stop());
  },
  sized(300_000, 900_000),
);

const [ANN, BOB] = ['ann@example.com', 'bob@example.com'] as const;
interface Offer {
  readonly accept: () => void;
  readonly refuse: (error: Error) => void;
}
/** A courier that stands still is taken over after its lease, 15 s; another one looks for what is due every 5 s at least. */
const TAKEN_OVER = sized(60, 22);

test('a stopped instance is taken over: what its relay tells it afterwards changes nothing, and each link is good once', async () => {
  const sink = await MailSink.start();
  const offers = new Map<string, Offer>();
  sink.beforeAccepting = (to) => new Promise((accept, refuse) => void offers.set(to, { accept, refuse }));
  const client = new HttpClient();
  const settings = { SMTP_URL: sink.url, DATABASE_URL: await postgres.createDatabase('stopped') };
  await withInstances(2, settings, async (instances) => {
    const [stopped, other] = instances as [Instance, Instance];
    const [api, otherApi] = instances.map(({ url }) => new Api(url, client)) as [Api, Api];
    const ids: string[] = [];
    const seen = () => Promise.all(ids.map(async (id) => (await otherApi.call('GET', `/v1/messages/${id}`))?.body));
    // While the other cannot move, there is no doubt who takes the mails.
    process.kill(other.pid, 'SIGSTOP');
    for (const recipient of [ANN, BOB])
      ids.push((await api.mint({ recipient, subject: recipient }))!.body.id as string);
    await eventually(() => offers.size === 2);
    process.kill(stopped.pid, 'SIGSTOP');
    process.kill(other.pid, 'SIGCONT');

    const from = performance.now();
    const late = new Map(offers);
    offers.clear();
    await eventually(() => offers.size === 2, TAKEN_OVER);
    tell(`taken over after ${Math.round(performance.now() - from)} ms`);
    for (const { accept } of offers.values()) accept();
    await eventually(async () => (await seen()).every((message) => message?.status === 'sent'));
    const messages = await seen();
    expect(messages.map(({ attempts }) => attempts.length)).toEqual([1, 1]);

    // The relay takes one of its mails once more and refuses the other for good; then it can hear of both.
    late.get(ANN)!.accept();
    late.get(BOB)!.refuse(Object.assign(new Error('no'), { responseCode: 554 }));
    await eventually(() => sink.to(ANN).length === 2);
    process.kill(stopped.pid, 'SIGCONT');
    await eventually(async () => (await outcomesOf(api)) === 2, 30);
    expect(new Set(sink.to(ANN).map(({ messageId }) => messageId)).size).toBe(1);

    const redeemed = [ANN, BOB].map(async (person) => {
      const calls = sink.tokensTo(person).flatMap((token) => [api.redeem(token), otherApi.redeem(token)]);
      return (await Promise.all(calls)).map((reply) => reply?.body.code ?? reply?.status).sort();
    });
    expect(await Promise.all(redeemed)).toEqual([
      [200, ...Array<string>(3).fill('link_redeemed')],
      [200, 'link_redeemed'],
    ]);
    // It ends when all that it was told has been written down, or was not.
    expect(await stopped.stop()).toBe(0);
    expect(await seen()).toEqual(messages);
  }).finally(() => {
    client.close();
    return sink.stop();
  });
}, 180_000);

/** How many attempts of an instance have ended, whatever came of them. */
async function outcomesOf(api: Api): Promise<number> {
  const { text } = (await api.call('GET', '/metrics'))!;
  return [...text.matchAll(/^oncelink_mails_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function withInstances(
  count: number,
  settings: Record<string, string>,
  work: (instances: Instance[]) => Promise<void>,
): Promise<void> {
  const instances = await instancesOf(count, settings);
  try {
    await Promise.all(instances.map((instance) => instance.start()));
    await work(instances);
  } finally {
    for (const instance of instances) await instance.discard();
  }
}
