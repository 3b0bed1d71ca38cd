import { setTimeout as pause } from 'node:timers/promises';
import type { Crash, History, Minted, Reported, Told } from './history.js';
import { HttpClient, type Reply } from './http-client.js';
import type { MailSink } from './mail-sink.js';
import type { Chance } from './random.js';

const LINKS = '/v1/links';
/** Before asking again, in ms: instances that are starting are not to be drowned. */
const BREATH = 100;

export interface LoadOptions {
  /** callers that race for each link */
  readonly racers: number;
  /** mints that run at the same time */
  readonly minters: number;
  /** when to give up asking again, in seconds */
  readonly patience: number;
}

/**
 * Mints and redeems like many apps at once, and keeps the record. An answer that never came is asked for again under
 * the same Idempotency-Key, as the contract tells callers to.
 */
export class Load {
  readonly minted: Minted[] = [];
  readonly oddities: string[] = [];
  private readonly client: HttpClient;
  private readonly races = new Set<Promise<void>>();
  /** by link id: the token of every link that is raced for */
  private readonly tokens = new Map<string, string>();
  private minters: Promise<void>[] = [];
  private asked = 0;
  private stopping = false;

  constructor(
    private readonly bases: readonly string[],
    private readonly sink: MailSink,
    private readonly chance: Chance,
    private readonly options: LoadOptions = { racers: 3, minters: 6, patience: 60 },
  ) {
    this.client = new HttpClient();
  }

  /** There is something for the judge, so waiting for more work is pointless. */
  get hasGoneWrong(): boolean {
    return this.oddities.length > 0;
  }

  start(): void {
    this.stopping = false;
    this.minters = Array.from({ length: this.options.minters }, () => this.mintOnAndOn());
  }

  /** Mints no more; resolves when every open question is answered. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.minters);
    while (this.races.size > 0) await Promise.all(this.races);
  }

  /**
   * Closes the record once nothing can change it any more: no mail is on its way, or for a minute already, and the
   * races that late mails began are over. A race begins before its mail is accepted, so none begins later.
   */
  async history(crashes: readonly Crash[]): Promise<History> {
    const end = Date.now() + 60_000;
    while ((await this.listAll()).some(isOnItsWay) && Date.now() < end) await pause(500);
    await this.stop();
    await this.confirmWins();
    const reported = await this.listAll();
    this.client.close();
    const { minted, asked: mintsAsked, oddities } = this;
    return { minted, mintsAsked, reported, mails: this.sink.mails, crashes, oddities };
  }

  /** Asks every winner again, and lets a stranger try every link that has one: what must be remembered now is. */
  private async confirmWins(): Promise<void> {
    const won = [...this.minted].filter(({ id }) => this.tokens.has(id));
    await inParallel(16, won, async (link) => {
      const winner = link.calls.find(({ told }) => told === 'won' || told === 'replayed');
      if (winner) await this.redeem(link, winner.racer);
      await this.redeem(link, `${link.id}-late`);
    });
  }

  private async mintOnAndOn(): Promise<void> {
    while (!this.stopping && this.oddities.length < 20) await this.mintAndRace();
  }

  private async mintAndRace(): Promise<void> {
    const n = this.asked++;
    const mailed = n % 2 === 0;
    const recipient = `person-${n}@example.com`;
    const body = { purpose: 'password-reset', recipient, subject: `user-${n}`, delivery: mailed ? 'email' : 'return' };
    const reply = await this.untilAnswered(LINKS, body, `mint-${n}`);
    if (reply?.status !== 201) return this.odd('mint', reply);
    const link: Minted = { id: reply.body.id as string, mailedTo: mailed ? recipient : null, calls: [] };
    this.minted.push(link);
    if (!mailed) return this.race(link, reply.body.token as string);
    // Whether its mail comes at all is the judge's question; every other one is used, too.
    if (n % 4 === 0) void this.sink.tokenFor(recipient).then((token) => this.keep(this.race(link, token)));
  }

  private async race(link: Minted, token: string): Promise<void> {
    this.tokens.set(link.id, token);
    const racers = Array.from({ length: this.options.racers }, (_, n) => `${link.id}-${n}`);
    await Promise.all(racers.map((racer) => this.redeem(link, racer)));
  }

  private async redeem(link: Minted, racer: string): Promise<void> {
    const body = { token: this.tokens.get(link.id), purpose: 'password-reset' };
    await this.untilAnswered(`${LINKS}/redeem`, body, racer, (reply, began) => {
      const told = toldBy(reply);
      if (told) link.calls.push({ racer, began, ended: performance.now(), told });
      else this.odd('redeem', reply);
    });
  }

  /** Asks under one key, at any instance, until there is an answer that is not 503. */
  private async untilAnswered(
    path: string,
    body: unknown,
    key: string,
    note: (reply: Reply | undefined, began: number) => void = () => {},
  ): Promise<Reply | undefined> {
    const end = Date.now() + this.options.patience * 1000;
    for (;;) {
      const began = performance.now();
      const reply = await this.client.call(this.chance.oneOf(this.bases), 'POST', path, body, key);
      if (reply?.status === 503 && reply.retryAfter === undefined)
        this.oddities.push(`${path} 503 without Retry-After`);
      note(reply, began);
      if ((reply && reply.status !== 503) || Date.now() > end) return reply;
      await pause(BREATH);
    }
  }

  private async listAll(): Promise<Reported[]> {
    const all: Reported[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Reply | undefined = await this.client.call(
        this.chance.oneOf(this.bases),
        'GET',
        `${LINKS}?limit=200${cursor && `&cursor=${cursor}`}`,
      );
      if (page?.status !== 200)
        throw new Error(`the list answered ${page?.status}; before that: ${this.oddities.join('\n')}`);
      for (const { id, status, delivery } of page.body.items) all.push({ id, status, delivery: delivery.status });
      cursor = page.body.nextCursor as string | null;
    }
    return all;
  }

  private keep(race: Promise<void>): void {
    const kept = race.finally(() => this.races.delete(kept));
    this.races.add(kept);
  }

  private odd(what: string, reply: Reply | undefined): void {
    this.oddities.push(`${what} ${reply ? `${reply.status} ${reply.text}` : 'was never answered'}`);
  }
}

function isOnItsWay({ delivery }: Reported): boolean {
  return delivery === 'queued' || delivery === 'sending';
}

/** @returns what the answer means, or undefined for one that the contract does not know here */
function toldBy(reply: Reply | undefined): Told | undefined {
  if (reply === undefined || reply.status === 503) return 'unknown';
  if (reply.status === 200) return reply.replayed ? 'replayed' : 'won';
  return reply.status === 410 && reply.body?.code === 'link_redeemed' ? 'lost' : undefined;
}

/** Runs one task per item, so many at a time. */
export async function inParallel<Item>(
  width: number,
  items: readonly Item[],
  task: (item: Item) => Promise<unknown>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of rest) await task(item);
    }),
  );
}
