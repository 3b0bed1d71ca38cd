import { accepted, verdictOf } from '../../src/mail/verdict.js';

const answered = (response: string): Error => Object.assign(new Error('refused'), { response });

describe('what is kept of a reply', () => {
  test.each([
    ['one endless word', 'a'],
    ['addresses without an end', 'a@'],
    ['tokens without an end', 'eyJ'],
    ['line breaks', 'x\n'],
  ])('is cut before it is searched, be it %s: looked at in full it would take for ever', (_what, piece) => {
    const long = `450 ${piece.repeat(5_000_000)}`;
    for (const { reply } of [accepted(long), verdictOf(answered(long), false), verdictOf(new Error(long), false)]) {
      expect(reply).toMatch(/^450 /);
      expect(reply.length).toBeLessThanOrEqual(200);
    }
  });

  test('has nothing of an address or a token, wherever it is cut', () => {
    // Long addresses shrink to a sign each, so that what stands at the cut is among what is kept.
    const [shrinks, rest] = [`${'x'.repeat(90)}@y.example `.repeat(8), ' and so on'.repeat(200)];
    for (let before = 0; before < 300; before++) {
      for (const secret of ['<zanzibar.quokka@wombat.example>', 'https://l.example/l/eyJzanzibar.quokka.wombat']) {
        const { reply } = accepted(`250 ${shrinks}${'-'.repeat(before)} ${secret} ${rest}`);
        expect([before, reply]).toEqual([before, expect.not.stringMatching(/zanz|quok|womb/)]);
      }
    }
  });

  test('is whole, if it is short', () => {
    expect(accepted('250 2.0.0 Ok: queued as 4ABC').reply).toBe('250 2.0.0 Ok: queued as 4ABC');
  });
});

/** As nodemailer 10 names what it finds before it has said anything of the mail to anybody. */
test.each(['EENVELOPE', 'EMESSAGE', 'ESENDMAIL', 'EFILEACCESS', 'EURLACCESS'])(
  '%s before any conversation refuses the mail, and is no fault of the relay',
  (code) => {
    const error = Object.assign(new Error('no'), { code });
    expect(verdictOf(error, false)).toMatchObject({ outcome: 'refused', relayWorks: true, noSuchMailbox: false });
  },
);

test.each(['ECONNECTION', 'ESOCKET', 'EDNS', 'ETLS', 'EAUTH', 'ENOAUTH', 'EPROTOCOL', 'ENOENT', 'ECONFIG'])(
  '%s lets another relay try',
  (code) => {
    const error = Object.assign(new Error('no'), { code });
    expect(verdictOf(error, false)).toMatchObject({ outcome: 'unreachable', relayWorks: false });
  },
);
