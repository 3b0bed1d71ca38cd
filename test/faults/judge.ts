import type { Call, Crash, History, Mail, Minted, Reported } from './history.js';

export interface Judgement {
  /** one line per breach of the contract's section 9; empty when it held */
  readonly faults: readonly string[];
  readonly figures: Readonly<
    Record<'mints' | 'redemptions' | 'calls' | 'unknown' | 'mails' | 'repeated' | 'repeatedAtOnce', number>
  >;
}

/** Judges a history link by link. It knows the contract and nothing of how the service keeps it. */
export function judge(history: History): Judgement {
  const reported = new Map(history.reported.map((link) => [link.id, link]));
  const mails = new Map<string, Mail[]>();
  for (const mail of history.mails) mails.set(mail.to, [...(mails.get(mail.to) ?? []), mail]);
  const repeats = repeatsOf([...mails.values()], history.crashes);
  const faults = [
    ...history.oddities.map((oddity) => `odd answer: ${oddity}`),
    ...history.minted.flatMap((link) =>
      [
        ...faultsOfRace(link.calls),
        ...faultsOfLink(link, reported.get(link.id)),
        ...faultsOfMail(link, reported.get(link.id), mails.get(link.mailedTo ?? '') ?? []),
      ].map((fault) => `${link.id}: ${fault}`),
    ),
    ...faultsOfRepeats(repeats),
    ...faultsOfCounts(history),
  ];
  const calls = history.minted.flatMap((link) => link.calls);
  return {
    faults,
    figures: {
      mints: history.minted.length,
      redemptions: calls.filter(({ told }) => told === 'won').length,
      calls: calls.length,
      unknown: calls.filter(({ told }) => told === 'unknown').length,
      mails: history.mails.length,
      repeated: history.mails.length - mails.size,
      repeatedAtOnce: Math.max(0, ...repeats.values()),
    },
  };
}

const got = ({ told }: Call): boolean => told === 'won' || told === 'replayed';

/** Of one link's callers exactly one wins, keeps its win, and nobody is told of a loss before that one has asked. */
function faultsOfRace(calls: readonly Call[]): string[] {
  if (calls.length === 0) return [];
  const faults: string[] = [];
  const wins = calls.filter(got);
  const winners = new Set(wins.map(({ racer }) => racer));
  const lost = calls.filter(({ told }) => told === 'lost');
  if (winners.size > 1) faults.push(`double redemption: won by ${[...winners].join(' and ')}`);
  // A second win that is no replay means that the first one had been forgotten.
  if (winners.size === 1 && wins.filter(({ told }) => told === 'won').length > 1)
    faults.push('redemption forgotten: the winner won anew');
  const firstWin = Math.min(...wins.map(({ ended }) => ended));
  if (lost.some(({ racer, began }) => winners.has(racer) && began > firstWin))
    faults.push('redemption forgotten: its winner was told of a loss');
  const answered = new Set([...wins, ...lost].map(({ racer }) => racer));
  for (const racer of new Set(calls.map((call) => call.racer)))
    if (!answered.has(racer)) faults.push(`${racer} never got an answer`);
  if (lost.length > 0 && winners.size === 0) faults.push('everybody lost: no winner');
  const winnerAsked = Math.min(...calls.filter(({ racer }) => winners.has(racer)).map(({ began }) => began));
  if (winners.size > 0 && lost.some(({ ended }) => ended < winnerAsked))
    faults.push('a loss was told before any winner had asked');
  return faults;
}

function faultsOfLink({ calls }: Minted, link: Reported | undefined): string[] {
  if (!link) return ['acknowledged link lost'];
  const won = calls.some(got);
  if (won && link.status !== 'redeemed') return [`redemption forgotten: the link is ${link.status}`];
  if (!won && link.status === 'redeemed') return ['used up, and nobody won'];
  return [];
}

/** An acknowledged mail has arrived, or its delivery is reported as ended. Every copy is recognisable as the same mail. */
function faultsOfMail({ mailedTo }: Minted, link: Reported | undefined, mails: readonly Mail[]): string[] {
  if (mailedTo === null || !link) return [];
  const faults: string[] = [];
  const ended = link.delivery === 'failed' || link.delivery === 'abandoned';
  if (link.delivery === 'queued' || link.delivery === 'sending') faults.push(`mail is still ${link.delivery}`);
  if (mails.length === 0 && !ended) faults.push('acknowledged mail lost');
  if (new Set(mails.map(({ messageId }) => messageId)).size > 1) faults.push('its mails have different Message-IDs');
  return faults;
}

/** @returns how many mails came once more because of each crash; `undefined` is the crash that there was not */
function repeatsOf(copies: readonly Mail[][], crashes: readonly Crash[]): Map<Crash | undefined, number> {
  const repeats = new Map<Crash | undefined, number>();
  for (const mails of copies) {
    for (const [nth, mail] of mails.slice(1).entries()) {
      const crash = crashes.find(({ from, to }) => to >= mails[nth]!.at && from <= mail.at);
      repeats.set(crash, (repeats.get(crash) ?? 0) + 1);
    }
  }
  return repeats;
}

function faultsOfRepeats(repeats: ReadonlyMap<Crash | undefined, number>): string[] {
  return [...repeats].flatMap(([crash, count]) => {
    if (!crash) return [`${count} mails came twice, and nothing had crashed in between`];
    return count > crash.inHand ? [`${count} mails came twice after one crash, which had ${crash.inHand} in hand`] : [];
  });
}

function faultsOfCounts({ minted, mintsAsked, reported }: History): string[] {
  const faults: string[] = [];
  const ids = new Set(minted.map(({ id }) => id));
  if (ids.size !== minted.length) faults.push('two mints got one link');
  if (minted.length !== mintsAsked) faults.push(`${mintsAsked - minted.length} mints never got an answer`);
  const strays = reported.filter(({ id }) => !ids.has(id)).length;
  if (strays > 0) faults.push(`${strays} links that no answer told of: an Idempotency-Key minted twice`);
  return faults;
}
