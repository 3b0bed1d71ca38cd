import { connect } from 'node:net';

/**
 * One keep-alive HTTP/1.1 connection with one request under way at a time, on a raw socket: the generator shares the
 * machine with what it measures, so it does as little as it can.
 */
export class Connection {
  #socket;
  #received = Buffer.alloc(0);
  #waiting;

  constructor(port) {
    this.port = port;
  }

  /** Opens the connection ahead of the first request. */
  open() {
    return new Promise((resolve, reject) => {
      this.#socket = connect({ host: '127.0.0.1', port: this.port, noDelay: true }, resolve);
      this.#socket.once('error', reject);
      this.#socket.on('data', (chunk) => this.#take(chunk));
      this.#socket.on('error', (error) => this.#settle(error));
      this.#socket.on('close', () => this.#settle(new Error('the server closed the connection')));
    });
  }

  /** @returns {Promise<{ status: number, head: string, body: string }>} */
  async ask(request) {
    if (!this.#socket || this.#socket.destroyed) await this.open();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close() {
    this.#socket?.destroy();
  }

  #take(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = readAnswer(this.#received);
    if (!answer) return;
    this.#received = Buffer.alloc(0);
    if (/\r\nconnection: close/i.test(answer.head)) this.#socket.destroy();
    this.#settle(undefined, answer);
  }

  #settle(error, answer) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) this.#received = Buffer.alloc(0);
    if (!waiting) return;
    if (error) waiting.reject(error);
    else waiting.resolve(answer);
  }
}

/** @returns the answer, or undefined as long as it is not complete */
function readAnswer(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.latin1Slice(0, end);
  const status = Number(head.slice(9, 12));
  const start = end + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) {
    const stop = start + Number(length[1]);
    return bytes.length < stop ? undefined : { status, head, body: bytes.utf8Slice(start, stop) };
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, head, body: '' };
  const body = readChunks(bytes, start);
  return body === undefined ? undefined : { status, head, body };
}

/** RFC 9112 section 7.1, without extensions and trailers */
function readChunks(bytes, start) {
  const parts = [];
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(bytes.latin1Slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts).toString();
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

/** @returns the request as text; its members are ASCII */
export function requestText({ method, path, headers = {}, body }) {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    host: '127.0.0.1',
    ...(text !== '' && typeof body !== 'string' && { 'content-type': 'application/json' }),
    ...(text !== '' && { 'content-length': text.length }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`;
}

/** @returns the value of a header of an answer */
export function header(answer, name) {
  return new RegExp(`\r\n${name}: *([^\r]*)`, 'i').exec(answer.head)?.[1];
}
