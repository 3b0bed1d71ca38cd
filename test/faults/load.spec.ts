import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTransport } from 'nodemailer';
import { judge } from './judge.js';
import { Load } from './load.js';
import { MailSink } from './mail-sink.js';
import { Chance } from './random.js';

const ID = 'l1';
type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>];

/** One link and no more, of a service whose mail arrives while its links are listed: the list still says `active`. */
class SlowToList {
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));
  private winner: string | undefined;
  private redeemed!: () => void;
  private readonly firstRedemption = new Promise<void>((resolve) => (this.redeemed = resolve));
  private lists = 0;

  constructor(private readonly sink: MailSink) {}

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const key = request.headers['idempotency-key'] as string;
    const [status, body, headers] = await (request.method === 'GET'
      ? this.list()
      : request.url === '/v1/links'
        ? ([201, { id: ID }] as const)
        : this.redeem(key));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  private redeem(key: string): Answer {
    const replayed = this.winner === key;
    this.winner ??= key;
    this.redeemed();
    if (this.winner !== key) return [410, { code: 'link_redeemed' }];
    return [200, {}, { 'idempotency-replayed': String(replayed) }];
  }

  private async list(): Promise<Answer> {
    const nth = ++this.lists;
    const status = this.winner === undefined ? 'active' : 'redeemed';
    if (nth === 2) await this.deliver().then(() => this.firstRedemption);
    const items = [{ id: ID, status, delivery: { status: nth === 1 ? 'queued' : 'sent' } }];
    return [200, { items, nextCursor: null }];
  }

  private async deliver(): Promise<void> {
    const relay = createTransport(this.sink.url);
    await relay.sendMail({ from: 'a@example.com', to: 'person-0@example.com', text: 'http://localhost/l/token' });
    relay.close();
  }
}

test('the record is closed when the races that late mails began are over, too', async () => {
  const sink = await MailSink.start();
  const service = new SlowToList(sink);
  try {
    const load = new Load([await service.start()], sink, new Chance(), { racers: 2, minters: 1, patience: 10 });
    load.start();
    await load.stop();
    const { faults, figures } = judge(await load.history([]));
    expect(faults).toEqual([]);
    // Two racers, the winner once more, and a stranger afterwards.
    expect(figures).toMatchObject({ mints: 1, redemptions: 1, calls: 4 });
  } finally {
    service.stop();
    await sink.stop();
  }
});
