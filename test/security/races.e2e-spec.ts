import { Courier } from '../../src/links/courier.js';
import { Tokens } from '../../src/links/tokens.js';
import { LINK_STORE, type LinkStore } from '../../src/links/link-store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { Relay, urlIn } from '../support/relay.js';
import { eventually, HandSetClock, startService, type Answer, type TestService } from '../support/service.js';

const ROUNDS = 20;
const PATIENCE = 120_000;
const purpose = 'password-reset';

let postgres: Postgres;
beforeAll(async () => void (postgres = await startPostgres()), 60_000);
afterAll(() => postgres.stop());

/** Two instances on one database; who is asked first changes from round to round. */
describe.each(['sqlite', 'postgres'] as const)(
  'on %s, of what is asked of two instances at the same instant',
  (engine) => {
    const clock = new HandSetClock();
    let instances: readonly [TestService, TestService];
    let relay: Relay;
    beforeAll(async () => {
      relay = await Relay.start();
      const env = {
        SMTP_URL: relay.url,
        MAIL_FROM: 'App <no-reply@app.example>',
        ...(engine === 'postgres' && { DATABASE_URL: await postgres.createDatabase() }),
      };
      const one = await startService({ clock, env });
      const { databaseUrl, signingKeysFile, publicUrl } = one.settings;
      const shared = { DATABASE_URL: databaseUrl, SIGNING_KEYS_FILE: signingKeysFile!, PUBLIC_URL: publicUrl };
      instances = [one, await startService({ clock, env: { ...env, ...shared } })];
    }, 60_000);
    afterAll(async () => {
      for (const instance of [...instances].reverse()) await instance.stop();
      await relay.stop();
    });

    const redeem = (at: TestService, token: string): Promise<Answer> =>
      at.api('POST', '/v1/links/redeem', { token, purpose });
    const statusOf = async (id: string): Promise<string> =>
      (await instances[0].api('GET', `/v1/links/${id}`)).body.status;
    const wordOf = ({ status, body }: Answer): string => (status < 300 ? 'yes' : body.code);
    /** Both at once, by two instances, each of them first in half of the rounds. */
    async function race(
      round: number,
      left: (at: TestService) => Promise<Answer>,
      right: (at: TestService) => Promise<Answer>,
    ): Promise<[left: string, right: string]> {
      const [here, there] = round % 4 < 2 ? instances : [instances[1], instances[0]];
      if (round % 2 === 0) {
        const asked = [left(here), right(there)] as const;
        return (await Promise.all(asked)).map(wordOf) as [string, string];
      }
      const asked = [right(there), left(here)] as const;
      const [second, first] = await Promise.all(asked);
      return [wordOf(first), wordOf(second)];
    }

    test(
      'a redemption and a newer link: the older one is used or replaced, and the newer one is good, once',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const subject = `replaced_${round}`;
          const older = await instances[0].mintReturned({ subject });
          let newer: { id: string; token: string } | undefined;
          const [redeemed, minted] = await race(
            round,
            (at) => redeem(at, older.token),
            async (at) => {
              const answer = await at.mint({ subject, delivery: 'return' });
              newer = answer.body;
              return answer;
            },
          );
          expect(minted).toBe('yes');
          expect(['yes', 'link_superseded']).toContain(redeemed);
          // Whatever was said holds: nobody gets another answer from either of them.
          const status = redeemed === 'yes' ? 'redeemed' : 'superseded';
          expect(await statusOf(older.id)).toBe(status);
          for (const at of instances) expect(wordOf(await redeem(at, older.token))).toBe(`link_${status}`);
          const last = await race(
            round,
            (at) => redeem(at, newer!.token),
            (at) => redeem(at, newer!.token),
          );
          expect(last.sort()).toEqual(['link_redeemed', 'yes']);
        }
      },
      PATIENCE,
    );

    test(
      'a redemption and a resend: one mail may leave yet, and what is in it is used',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const recipient = `again-${round}@example.com`;
          const { id } = (await instances[0].mint({ recipient })).body;
          const token = urlIn((await relay.mailTo(recipient)).mail.text).split('/l/')[1]!;
          await eventually(
            async () => (await instances[0].api('GET', `/v1/links/${id}`)).body.delivery.status === 'sent',
          );
          clock.advance(31); // the cool-down
          const [redeemed, resent] = await race(
            round,
            (at) => redeem(at, token),
            (at) => at.api('POST', `/v1/links/${id}/resend`),
          );
          expect(redeemed).toBe('yes');
          expect(['yes', 'link_redeemed']).toContain(resent);
          for (const at of instances) await at.app.get(Courier).runOnce();
          const { body } = await instances[0].api('GET', `/v1/links/${id}`);
          expect(body.status).toBe('redeemed');
          // Used it stays, by the first mail's token and by the one that the second has or would have.
          const row = (await instances[0].app.get<LinkStore>(LINK_STORE).find('default', id))!;
          for (const proof of [token, instances[0].app.get(Tokens).mintLink(row)])
            for (const at of instances) expect(wordOf(await redeem(at, proof))).toBe('link_redeemed');
          expect(relay.to(recipient).length).toBeLessThanOrEqual(resent === 'yes' ? 2 : 1);
        }
      },
      PATIENCE,
    );

    test(
      'a resend and a newer link: no mail that leaves after both has a good link but the newer one’s',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const [recipient, subject] = [`newer-${round}@example.com`, `newer_${round}`];
          const { id } = (await instances[0].mint({ recipient, subject })).body;
          const token = urlIn((await relay.mailTo(recipient)).mail.text).split('/l/')[1]!;
          await eventually(
            async () => (await instances[0].api('GET', `/v1/links/${id}`)).body.delivery.status === 'sent',
          );
          clock.advance(31); // the cool-down
          let newer: { id: string; token: string } | undefined;
          const [resent, minted] = await race(
            round,
            (at) => at.api('POST', `/v1/links/${id}/resend`),
            async (at) => {
              const answer = await at.mint({ recipient, subject, delivery: 'return' });
              newer = answer.body;
              return answer;
            },
          );
          expect(minted).toBe('yes');
          expect(['yes', 'link_superseded']).toContain(resent);
          for (const at of instances) expect(wordOf(await redeem(at, token))).toBe('link_superseded');
          const row = (await instances[0].app.get<LinkStore>(LINK_STORE).find('default', id))!;
          expect(wordOf(await redeem(instances[1], instances[1].app.get(Tokens).mintLink(row)))).toBe(
            'link_superseded',
          );
          expect(wordOf(await redeem(instances[1], newer!.token))).toBe('yes');
        }
      },
      PATIENCE,
    );

    test(
      'everything at once: a redemption, a resend, a newer link and a withdrawal end a link in exactly one way',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const [recipient, subject] = [`all-${round}@example.com`, `all_${round}`];
          const { id } = (await instances[0].mint({ recipient, subject })).body;
          const token = urlIn((await relay.mailTo(recipient)).mail.text).split('/l/')[1]!;
          clock.advance(31); // the cool-down
          const [here, there] = round % 2 === 0 ? instances : [instances[1], instances[0]];
          const asked: [what: string, ask: () => Promise<Answer>][] = [
            ['one', () => redeem(here, token)],
            ['two', () => redeem(there, token)],
            ['resent', () => there.api('POST', `/v1/links/${id}/resend`)],
            ['minted', () => here.mint({ recipient, subject, delivery: 'return' })],
            ['revoked', () => there.api('POST', `/v1/links/${id}/revoke`)],
          ];
          // Another one is first in each round.
          const order = [...asked, ...asked].slice(round % asked.length).slice(0, asked.length);
          const answers = await Promise.all(order.map(async ([what, ask]) => [what, wordOf(await ask())] as const));
          const { one, two, minted, revoked } = Object.fromEntries(answers);
          expect([minted, revoked]).toEqual(['yes', 'yes']);
          const wins = [one, two].filter((word) => word === 'yes').length;
          const status = await statusOf(id);
          expect([wins, status]).toEqual(
            wins === 1 ? [1, 'redeemed'] : [0, expect.stringMatching(/^(revoked|superseded)$/)],
          );
          for (const at of instances) expect(wordOf(await redeem(at, token))).toBe(`link_${status}`);
        }
      },
      PATIENCE,
    );
  },
);
