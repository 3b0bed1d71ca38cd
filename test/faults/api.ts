import type { HttpClient } from './http-client.js';
import { type Reply } from './http-client.js';

const PURPOSE = 'password-reset';
let people = 0;

export interface Held {
  readonly id: string;
  readonly token: string;
}

/** The requests of an app to one instance, one at a time. */
export class Api {
  constructor(
    private readonly base: string,
    private readonly client: HttpClient,
  ) {}

  call(method: string, path: string, body?: unknown, key?: string): Promise<Reply | undefined> {
    return this.client.call(this.base, method, path, body, key);
  }

  /** Mints for a new person, so that no limit is in the way. */
  mint(body: object = {}, key?: string): Promise<Reply | undefined> {
    const n = people++;
    const person = { purpose: PURPOSE, recipient: `someone-${n}@example.com`, subject: `someone-${n}` };
    return this.call('POST', '/v1/links', { ...person, ...body }, key);
  }

  async mintReturned(body: object = {}): Promise<Held> {
    const reply = await this.mint({ delivery: 'return', ...body });
    if (reply?.status !== 201) throw new Error(`mint answered ${reply?.status} ${reply?.text}`);
    return reply.body as Held;
  }

  redeem(token: string, key?: string): Promise<Reply | undefined> {
    return this.call('POST', '/v1/links/redeem', { token, purpose: PURPOSE }, key);
  }

  inspect(token: string): Promise<Reply | undefined> {
    return this.call('POST', '/v1/links/inspect', { token, purpose: PURPOSE });
  }

  link(id: string): Promise<Reply | undefined> {
    return this.call('GET', `/v1/links/${id}`);
  }

  async delivery(id: string): Promise<string | undefined> {
    return (await this.link(id))?.body?.delivery?.status as string | undefined;
  }
}
