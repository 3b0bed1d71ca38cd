import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  /** lower-case names; several of one name joined by a line break */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Bytes exactly as given, over a connection of their own, for what no HTTP client would send.
 * @returns every answer until the server hangs up
 */
export async function send(port: number, bytes: string | Buffer): Promise<WireAnswer[]> {
  const received = await new Promise<Buffer>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server that hangs up in the middle of what it refuses is fine; what it said before counts.
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
  return parse(received.toString());
}

/** A connection that stays open, to be slow with. */
export class SlowConnection {
  received = '';
  closed = false;
  private readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => (this.received += String(chunk)));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
  }

  write(text: string): void {
    if (!this.closed) this.socket.write(text);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function parse(text: string): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error('an answer without an end of its header');
    const [line, ...fields] = rest.slice(0, end).split('\r\n') as [string, ...string[]];
    const headers = new Map<string, string>();
    for (const field of fields) {
      const name = field.slice(0, field.indexOf(':')).toLowerCase();
      const value = field.slice(field.indexOf(':') + 1).trim();
      headers.set(name, headers.has(name) ? `${headers.get(name)}\n${value}` : value);
    }
    const length = Number(headers.get('content-length') ?? 0);
    answers.push({ status: Number(line.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}
