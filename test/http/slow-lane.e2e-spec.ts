import { connect, type Socket } from 'node:net';
import { API_KEY, eventually, startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => void (service = await startService()), 60_000);
afterAll(() => service.stop());

const HEALTH = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
const redemption = (token: string): string => {
  const body = JSON.stringify({ token, purpose: 'password-reset' });
  const head = [
    'POST /v1/links/redeem HTTP/1.1',
    'Host: localhost',
    `Authorization: Bearer ${API_KEY}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
};
const BAD = redemption('no.such.token');
const many = (count: number, status: number): number[] => Array<number>(count).fill(status);

/** A connection that stays open and does not wait for an answer before it asks again. */
class Caller {
  private readonly socket: Socket = connect(service.port, '127.0.0.1');
  private received = '';

  /** @param onAnswer told whenever something was answered */
  constructor(onAnswer = (): void => undefined) {
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString();
      onAnswer();
    });
  }

  ask(requests: string): void {
    this.socket.write(requests);
  }

  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** @returns the statuses of all answers, in their order, once there are so many */
  async answers(count: number): Promise<number[]> {
    return eventually(() => this.statuses.length >= count && this.statuses);
  }

  hangUp(): void {
    this.socket.destroy();
  }
}

test('what follows a refusal waits until others were served, and is then answered like everything else', async () => {
  const seen: number[] = [];
  const flood = new Caller();
  const other = new Caller(() => seen.push(flood.statuses.length));
  flood.ask(BAD);
  other.ask(HEALTH);
  await Promise.all([flood.answers(1), other.answers(1)]);
  const { token } = await service.mintReturned();
  flood.ask(BAD.repeat(300) + redemption(token) + BAD);
  other.ask(HEALTH);
  expect(await other.answers(2)).toEqual([200, 200]);
  expect(seen.at(-1)).toBeLessThan(150);
  expect(await flood.answers(303)).toEqual([...many(301, 400), 200, 400]);
  flood.hangUp();
  other.hangUp();
});

test('the line has an end: what comes then is told to come back, and after that all is well', async () => {
  const flood = new Caller();
  flood.ask(BAD);
  await flood.answers(1);
  flood.ask(BAD.repeat(3_000));
  const statuses = await flood.answers(3_001);
  expect(new Set(statuses)).toEqual(new Set([400, 503]));
  // To be refused for want of room is no way out of the line.
  expect(statuses.join(' ')).toContain('503 503 503 503');
  const { token } = await service.mintReturned();
  flood.ask(redemption(token));
  expect((await flood.answers(3_002)).at(-1)).toBe(200);
  flood.hangUp();
});

test('whoever was served last does not wait', async () => {
  const caller = new Caller();
  caller.ask(BAD);
  await caller.answers(1);
  caller.ask(HEALTH);
  await caller.answers(2);
  // More than the line has room for.
  caller.ask(HEALTH.repeat(3_000));
  const statuses = await caller.answers(3_002);
  expect([statuses[0], new Set(statuses.slice(1))]).toEqual([400, new Set([200])]);
  caller.hangUp();
});
