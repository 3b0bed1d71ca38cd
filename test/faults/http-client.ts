import { Agent, request } from 'node:http';
import { API_KEY } from '../support/service.js';

export interface Reply {
  readonly status: number;
  readonly body: any;
  readonly text: string;
  readonly replayed: boolean;
  readonly retryAfter: string | undefined;
  /** from sending to the end of the answer, in ms */
  readonly took: number;
}

/** A caller of the API that keeps connections. No answer is `undefined`: then nobody knows what happened. */
export class HttpClient {
  private readonly agent: Agent;

  /** @param patience ms without an answer that count as none */
  constructor(
    connections = 64,
    private readonly patience = 15_000,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  }

  call(base: string, method: string, path: string, body?: unknown, key?: string): Promise<Reply | undefined> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const began = performance.now();
    return new Promise((resolve) => {
      const headers: Record<string, string | number> = { authorization: `Bearer ${API_KEY}` };
      if (payload !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = Buffer.byteLength(payload);
      }
      if (key !== undefined) headers['idempotency-key'] = key;
      const call = request(base + path, { method, agent: this.agent, headers, timeout: this.patience }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', () => resolve(undefined));
        answer.on('end', () => {
          if (!answer.complete) return resolve(undefined);
          const text = Buffer.concat(chunks).toString();
          const json = (answer.headers['content-type'] ?? '').includes('json');
          resolve({
            status: answer.statusCode!,
            body: json && text ? JSON.parse(text) : undefined,
            text,
            replayed: answer.headers['idempotency-replayed'] === 'true',
            retryAfter: answer.headers['retry-after'],
            took: performance.now() - began,
          });
        });
      });
      call.on('timeout', () => call.destroy());
      call.on('error', () => resolve(undefined));
      call.end(payload);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
