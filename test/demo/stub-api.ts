import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoApp } from '../../src/demo/index.js';

export interface Call {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, any>;
}

export interface Answer {
  status: number;
  body?: object;
  headers?: Record<string, string>;
}

export const problem = (status: number, code: string, headers: Record<string, string> = {}): Answer => ({
  status,
  body: { status, code },
  headers,
});

/** The demo app on its own, with a stand-in for Oncelink that answers what a test tells it to. */
export class Stage {
  readonly calls: Call[] = [];
  /** what people were told by mail */
  readonly told: Call[] = [];
  answer: (call: Call) => Answer = () => ({ status: 201, body: { id: 'link-1' } });

  private constructor(
    readonly app: FastifyInstance,
    private readonly api: Server,
  ) {}

  static async set(baseUrl = 'http://localhost:3000/demo'): Promise<Stage> {
    const api = createServer();
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const app = Fastify();
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const stage = new Stage(app, api);
    api.on('request', (request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += chunk));
      request.on('end', () => {
        const call = { path: request.url!, headers: request.headers, body: JSON.parse(text) };
        const isNotification = call.path === '/v1/notifications';
        (isNotification ? stage.told : stage.calls).push(call);
        const { status, body, headers } = isNotification ? { status: 201, body: {}, headers: {} } : stage.answer(call);
        response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await app.register(demoApp, { prefix: '/demo', apiUrl, apiKey: 'olk_a_b', baseUrl, databasePath: ':memory:' });
    return stage;
  }

  async strike(): Promise<void> {
    await this.app.close();
    await this.stopApi();
  }

  async stopApi(): Promise<void> {
    this.api.closeAllConnections();
    await new Promise((resolve) => this.api.close(resolve));
  }

  browser(): Visitor {
    return new Visitor(this.app);
  }
}

/** A browser as far as cookies and forms go. */
export class Visitor {
  readonly jar = new Map<string, { value: string; path: string }>();

  constructor(private readonly app: FastifyInstance) {}

  get(url: string) {
    return this.send({ method: 'GET', url });
  }

  post(
    url: string,
    form: Record<string, string> = {},
    headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
  ) {
    const payload = new URLSearchParams(form).toString();
    return this.send({
      method: 'POST',
      url,
      payload,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    });
  }

  private async send(options: InjectOptions & { url: string }) {
    const mine = [...this.jar].filter(([, { path }]) => options.url.startsWith(path));
    const cookies = Object.fromEntries(mine.map(([name, { value }]) => [name, value]));
    const answer = await this.app.inject({ ...options, cookies });
    for (const { name, value, path = '/', maxAge, expires } of answer.cookies) {
      if (maxAge === 0 || (expires && expires.getTime() <= Date.now())) this.jar.delete(name);
      else this.jar.set(name, { value, path });
    }
    return answer;
  }
}
