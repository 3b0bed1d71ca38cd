import { eventually } from '../support/service.js';
import { Api } from './api.js';
import { HttpClient } from './http-client.js';
import { instancesOf } from './instance.js';
import { judge } from './judge.js';
import { Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { Chance } from './random.js';
import { sized, tell } from './size.js';

const LINKS = sized(200, 3000);
/** The shipped limit: so many links to one recipient in an hour. */
const PER_HOUR = 10;

test('two processes on one SQLite file: races have one winner, each mail is sent once, limits hold', async () => {
  const sink = await MailSink.start();
  const instances = await instancesOf(2, { SMTP_URL: sink.url });
  const client = new HttpClient();
  try {
    for (const instance of instances) await instance.start();
    const load = new Load(
      instances.map(({ url }) => url),
      sink,
      new Chance(),
    );
    load.start();
    await eventually(() => load.minted.length >= LINKS || load.hasGoneWrong, 120);
    await load.stop();
    const { faults, figures } = judge(await load.history([]));
    tell(JSON.stringify(figures));
    expect(faults).toEqual([]);

    // Both are asked for the same recipient at once, more often than is permitted.
    const apis = instances.map(({ url }) => new Api(url, client));
    const person = { recipient: 'ann@example.com', subject: 'ann', delivery: 'return' };
    const asked = await Promise.all(Array.from({ length: PER_HOUR * 3 }, (_, n) => apis[n % 2]!.mint(person)));
    const tally = (status: number): number => asked.filter((reply) => reply?.status === status).length;
    expect([tally(201), tally(429)]).toEqual([PER_HOUR, PER_HOUR * 2]);
  } finally {
    client.close();
    for (const instance of instances) await instance.discard();
    await sink.stop();
  }
}, 300_000);
