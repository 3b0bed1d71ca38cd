import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, toDocument } from './problems.js';

/** Node's reason → status and what to do; anything else is a 400. */
const REASONS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive. Send it in one go.'],
  HPE_HEADER_OVERFLOW: [431, 'Address and header fields may have at most 16 KiB together.'],
};
const UNREADABLE = [400, 'This is not an HTTP request, or one that could be read in two ways.'] as const;

/**
 * Answers bytes that never become a request: there is no reply object, so the problem document is written by hand.
 * @param always the headers of every answer
 */
export function answerUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
  always: Readonly<Record<string, string>> = {},
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, detail] = REASONS[error.code ?? ''] ?? UNREADABLE;
  const body = JSON.stringify(toDocument(new Problem('request_invalid', detail, { status, errors: [] }), randomUUID()));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(always).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  // Whatever follows on this connection could be anything: it ends here.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
