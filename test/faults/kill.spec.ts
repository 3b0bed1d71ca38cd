import { eventually } from '../support/service.js';
import type { Crash } from './history.js';
import { crashSince, instancesOf, type Instance } from './instance.js';
import { judge, type Judgement } from './judge.js';
import { Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { PostgresServer } from './postgres-server.js';
import { Chance } from './random.js';
import { sized, tell } from './size.js';

const KILLS = sized(2, 30);
const DATABASE_KILLS = sized(1, 12);
/** Each death and birth takes ten seconds on a busy machine. */
const PATIENCE = sized(600_000, 1_800_000);

let sink: MailSink;
beforeEach(async () => {
  sink = await MailSink.start();
  sink.answer = someRefusals();
});
afterEach(() => sink.stop());

test(
  'sqlite: kill -9 of the service under load',
  async () => {
    const instances = await instancesOf(1, { SMTP_URL: sink.url });
    await underLoad(instances, async (moment) => {
      const crashes: Crash[] = [];
      for (let n = 0; n < KILLS; n++) crashes.push(await killOne(instances[0]!, moment));
      return crashes;
    }).then(expectNoFault);
  },
  PATIENCE,
);

test(
  'postgres: kill -9 of two instances, and of the database with synchronous_commit=off',
  async () => {
    const postgres = await PostgresServer.start();
    try {
      const instances = await instancesOf(2, {
        SMTP_URL: sink.url,
        DATABASE_URL: await postgres.createDatabase('killed'),
      });
      await underLoad(instances, async (moment, chance) => {
        // What was set up is on disk; only what is acknowledged from here on is at stake.
        await postgres.query('CHECKPOINT');
        const crashes: Crash[] = [];
        for (let n = 0; n < KILLS; n++) crashes.push(await killOne(chance.oneOf(instances), moment));
        for (let n = 0; n < DATABASE_KILLS; n++) crashes.push(await killDatabase(postgres, instances, moment));
        return crashes;
      }).then(expectNoFault);
    } finally {
      await postgres.stop();
    }
  },
  PATIENCE,
);

/** Takes back, inside the database and after our start has looked, what every session of ours has asked for. */
const FORGETFUL = `
  CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('synchronous_commit', 'off', true); RETURN NULL; END $$;
  CREATE TRIGGER forgetful BEFORE INSERT OR UPDATE ON links FOR EACH STATEMENT EXECUTE FUNCTION forget();
  CREATE TRIGGER forgetful BEFORE INSERT OR UPDATE ON suppressions FOR EACH STATEMENT EXECUTE FUNCTION forget()`;

test(
  'the control: with commits that are acknowledged before they are on disk, the same kill is found out',
  async () => {
    const postgres = await PostgresServer.start();
    try {
      const DATABASE_URL = await postgres.createDatabase('forgetful');
      const instances = await instancesOf(1, { SMTP_URL: sink.url, DATABASE_URL });
      const { faults } = await underLoad(instances, async (moment) => {
        await postgres.query(FORGETFUL, 'forgetful');
        await postgres.query('CHECKPOINT');
        // It might bring everything to disk just before the kill, and there would be nothing to find out.
        postgres.holdLogWriter();
        return [await killDatabase(postgres, instances, moment)];
      });
      const lost = faults.filter((fault) => /acknowledged link lost|redemption forgotten/.test(fault));
      tell(`${lost.length} acknowledged writes were lost on purpose, as ${lost[0]}`);
      expect(lost).not.toEqual([]);
    } finally {
      await postgres.stop();
    }
  },
  PATIENCE,
);

/** @param crash does the killing, each time after `moment`, and tells what died and when */
async function underLoad(
  instances: Instance[],
  crash: (moment: () => Promise<void>, chance: Chance) => Promise<Crash[]>,
): Promise<Judgement> {
  const chance = new Chance();
  const load = new Load(
    instances.map(({ url }) => url),
    sink,
    chance,
  );
  try {
    for (const instance of instances) await instance.start();
    load.start();
    // Not after a time but after some more work was acknowledged, so every crash has something to lose.
    const moment = async (): Promise<void> => {
      const enough = load.minted.length + 100 + chance.below(100);
      await eventually(() => load.minted.length >= enough || load.hasGoneWrong, 60);
    };
    const crashes = await crash(moment, chance);
    await moment();
    await load.stop();
    const judgement = judge(await load.history(crashes));
    tell(JSON.stringify(judgement.figures));
    return judgement;
  } finally {
    await load.stop();
    for (const instance of instances) await instance.discard();
  }
}

function expectNoFault({ faults, figures }: Judgement): void {
  expect(faults).toEqual([]);
  expect(figures.redemptions).toBeGreaterThan(0);
  expect(figures.mails).toBeGreaterThan(0);
}

async function killDatabase(
  postgres: PostgresServer,
  instances: readonly Instance[],
  moment: () => Promise<void>,
): Promise<Crash> {
  await moment();
  const from = performance.now();
  await postgres.kill();
  // A dead database interrupts the couriers of all instances.
  const crash = crashSince(from, instances.length);
  await postgres.restart();
  return crash;
}

async function killOne(instance: Instance, moment: () => Promise<void>): Promise<Crash> {
  await moment();
  const from = performance.now();
  await instance.kill();
  const crash = crashSince(from);
  await instance.start();
  return crash;
}

/** A relay has its moods: some mails are put off once, and a few are refused for good. */
function someRefusals(): MailSink['answer'] {
  const putOff = new Set<string>();
  return (recipient) => {
    const n = Number(/\d+/.exec(recipient));
    if (n % 50 === 10) return 'never';
    if (n % 30 !== 20 || putOff.has(recipient)) return 'yes';
    putOff.add(recipient);
    return 'later';
  };
}
