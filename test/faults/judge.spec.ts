import type { Call, History, Told } from './history.js';
import { judge } from './judge.js';

const call = (racer: string, told: Told, began: number, ended: number): Call => ({ racer, told, began, ended });

/** One mailed link, redeemed by ann in a race with bob, after everything is over. */
function history(change: Partial<History> & { calls?: Call[] } = {}): History {
  const { calls = [call('ann', 'won', 0, 2), call('bob', 'lost', 1, 3)], ...more } = change;
  return {
    minted: [{ id: 'l1', mailedTo: 'a@example.com', calls }],
    mintsAsked: 1,
    reported: [{ id: 'l1', status: 'redeemed', delivery: 'sent' }],
    mails: [mail()],
    crashes: [],
    oddities: [],
    ...more,
  };
}
const mail = (at = 1, messageId = 'm1') => ({ to: 'a@example.com', messageId, at });
const crash = (from: number, to: number, inHand = 1) => ({ from, to, inHand });
const link = (status: string, delivery = 'sent') => ({ reported: [{ id: 'l1', status, delivery }] });

describe('a good history', () => {
  test.each<[string, History]>([
    ['a plain race', history()],
    [
      'a loss told before the win, while the winner was asking',
      history({ calls: [call('bob', 'lost', 1, 2), call('ann', 'won', 0, 3)] }),
    ],
    [
      'no answer, then the win given again',
      history({ calls: [call('ann', 'unknown', 0, 2), call('bob', 'lost', 3, 4), call('ann', 'replayed', 5, 6)] }),
    ],
    [
      'no answer, and the call had not arrived',
      history({ calls: [call('ann', 'unknown', 0, 2), call('ann', 'won', 5, 6)] }),
    ],
    ['a win that is confirmed', history({ calls: [call('ann', 'won', 0, 2), call('ann', 'replayed', 5, 6)] })],
    ['a link nobody wanted', history({ calls: [], ...link('active') })],
    [
      'a mail that came twice, its courier killed',
      history({ mails: [mail(1), mail(9)], crashes: [crash(0, 0), crash(2, 3)] }),
    ],
    ['a mail the relay refused', history({ ...link('redeemed', 'failed'), mails: [] })],
  ])('%s', (_name, good) => {
    expect(judge(good).faults).toEqual([]);
  });
});

describe('a bad history', () => {
  test.each<[string, History, RegExp]>([
    ['two winners', history({ calls: [call('ann', 'won', 0, 2), call('bob', 'won', 1, 3)] }), /double redemption/],
    [
      'a replay to somebody else',
      history({ calls: [call('ann', 'won', 0, 2), call('bob', 'replayed', 1, 3)] }),
      /double redemption/,
    ],
    [
      'a winner that is told of a loss later',
      history({ calls: [call('ann', 'won', 0, 2), call('ann', 'lost', 3, 4)] }),
      /forgotten: its winner/,
    ],
    [
      'a winner that wins anew',
      history({ calls: [call('ann', 'won', 0, 2), call('ann', 'won', 3, 4)] }),
      /forgotten: the winner won anew/,
    ],
    ['a win that the link does not know of', history(link('active')), /forgotten: the link is active/],
    [
      'a loss before any winner asked',
      history({ calls: [call('bob', 'lost', 0, 1), call('ann', 'won', 2, 3)] }),
      /before any winner/,
    ],
    ['losers only', history({ calls: [call('ann', 'lost', 0, 2), call('bob', 'lost', 1, 3)] }), /no winner/],
    ['a link used by nobody', history({ calls: [] }), /nobody won/],
    [
      'a racer without an answer',
      history({ calls: [call('ann', 'won', 0, 2), call('bob', 'unknown', 0, 2)] }),
      /never got an answer/,
    ],
    ['an acknowledged mint that is gone', history({ reported: [] }), /acknowledged link lost/],
    ['a mint that was never answered', history({ mintsAsked: 2 }), /1 mints never/],
    [
      'a key that minted twice',
      history({ reported: [...history().reported, { id: 'l2', status: 'active', delivery: 'sent' }] }),
      /minted twice/,
    ],
    ['a mail that is missing', history({ mails: [] }), /mail lost/],
    ['a mail that stays under way', history(link('redeemed', 'sending')), /still sending/],
    [
      'two mails that cannot be told apart from two links',
      history({ mails: [mail(1), mail(9, 'm2')], crashes: [crash(2, 3)] }),
      /different Message-IDs/,
    ],
    ['a mail that came twice without a crash', history({ mails: [mail(), mail()] }), /came twice, and nothing/],
    [
      'a mail that came twice before a crash',
      history({ mails: [mail(1), mail(2)], crashes: [crash(3, 4)] }),
      /came twice, and nothing/,
    ],
    [
      'more repeated mails than one crash had in hand',
      history({ mails: [mail(1), mail(9), mail(10)], crashes: [crash(2, 11), crash(12, 13)] }),
      /2 mails came twice after one crash/,
    ],
    ['an answer that nothing explains', history({ oddities: ['redeem 500'] }), /odd answer: redeem 500/],
  ])('%s', (_name, bad, fault) => {
    const { faults } = judge(bad);
    expect(faults.join('\n')).toMatch(fault);
  });
});
