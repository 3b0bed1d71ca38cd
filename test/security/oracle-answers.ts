import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { API_KEY } from '../support/service.js';

/** An answer as it lay on the wire, and when its parts had come, in ms after its request began. */
export interface Seen {
  readonly status: number;
  readonly raw: string;
  readonly head: number;
  readonly body: number;
}

/** Asks over one connection, one thing after the other, and keeps every byte of the answers. */
export class Outsider {
  private received = '';
  private head = 0;
  private began = 0;
  private done: ((seen: Seen) => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.take(text));
  }

  static async at(port: number): Promise<Outsider> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Outsider(socket);
  }

  /** Calls the API as app `default`. */
  ask(path: string, body?: object, headers: Record<string, string> = {}): Promise<Seen> {
    const text = body ? JSON.stringify(body) : '';
    const lines = {
      host: 'localhost',
      authorization: `Bearer ${API_KEY}`,
      ...(body && { 'content-type': 'application/json' }),
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    };
    const fields = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
    const request = `POST ${path} HTTP/1.1\r\n${fields.join('')}\r\n${text}`;
    return new Promise((resolve, reject) => {
      this.done = resolve;
      this.socket.once('close', () => reject(new Error('the service hung up')));
      this.received = '';
      this.head = 0;
      this.began = performance.now();
      this.socket.write(request);
    }).finally(() => this.socket.removeAllListeners('close')) as Promise<Seen>;
  }

  leave(): void {
    this.socket.destroy();
  }

  private take(text: string): void {
    const now = performance.now() - this.began;
    this.received += text;
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head ||= now;
    const length = Number(/^content-length: (\d+)$/im.exec(this.received.slice(0, end + 2))?.[1]);
    const got = Buffer.byteLength(this.received.slice(end + 4));
    if (!(got >= length)) return;
    this.done?.({ status: Number(this.received.slice(9, 12)), raw: this.received, head: this.head, body: now });
  }
}

/**
 * The bytes of an answer, without those that every answer has its own of, and without what the app alone knows: which
 * address it was about, and what became of its mail. Whatever is left out is replaced by as many characters; a value of
 * the mail's delivery, which are of many lengths, is taken out of the content's length as well.
 * @param knowledge the members of `delivery` that the app alone knows
 * @param now times are told as seconds from then; without it, not at all
 */
export function outwardly({ raw }: Seen, knowledge: readonly string[] = ['status'], now?: number): string {
  const end = raw.indexOf('\r\n\r\n') + 4;
  const [head, body] = [raw.slice(0, end), raw.slice(end)];
  const length = Number(/^content-length: (\d+)\r$/im.exec(head)![1]);
  if (length !== Buffer.byteLength(body)) throw new Error(`${Buffer.byteLength(body)} bytes instead of ${length}`);
  const parsed = JSON.parse(body) as Record<string, unknown>;

  let text = head.replace(/^(date: ).{29}\r$/im, '$1#\r') + body;
  for (const name of ['id', 'recipient', 'subject', 'token', 'oneTimeCode']) {
    const value = parsed[name];
    if (typeof value === 'string') text = text.replaceAll(value, '#'.repeat(value.length));
  }
  // A problem's own: an id of the request.
  text = text.replace(/(?<="instance":"urn:oncelink:request:)[\w-]+/, (id) => '#'.repeat(id.length));
  text = text.replace(/"\d{4}-\d\d-\d\dT[\d:.]{12}Z"/g, (time) =>
    now === undefined ? '"#"' : `"${(Date.parse(JSON.parse(time) as string) - now) / 1000} s"`,
  );

  let own = 0;
  for (const name of knowledge) {
    const member = new RegExp(`("delivery":\\{[^{}]*"${name}":)("[^"]*"|null|\\d+)`);
    const value = (parsed['delivery'] as Record<string, unknown> | undefined)?.[name];
    if (value !== undefined) own += JSON.stringify(value).length;
    text = text.replace(member, '$1#');
  }
  return text.replace(/^content-length: \d+\r$/im, `content-length: ${length - own}\r`);
}

/** A real relay, as a process of its own. */
export class Sink {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<Sink> {
    const child = fork(fileURLToPath(new URL('./oracle-sink.mjs', import.meta.url)), { execArgv: [] });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Sink(child, `smtp://127.0.0.1:${port}`);
  }

  /** @returns whom it got a mail for, each as often as it did */
  async recipients(): Promise<string[]> {
    const answer = once(this.child, 'message');
    this.child.send('?');
    return ((await answer) as [{ recipients: string[] }])[0].recipients;
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }
}
