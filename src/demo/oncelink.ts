/** The whole of Oncelink that an application needs: mint a link, look at it, use it up. Plain HTTP, no SDK. */
export class Oncelink {
  constructor(
    private readonly apiUrl: string,
    private readonly apiKey: string,
  ) {}

  /** Makes a link and has it mailed. Once this returns, the mail survives any crash of Oncelink. */
  mint(request: MintRequest): Promise<Link> {
    return this.post('/v1/links', request);
  }

  /** What redeeming would say, without using anything up. */
  async inspect(proof: Proof): Promise<Link> {
    return (await this.post<{ link: Link }>('/v1/links/inspect', proof)).link;
  }

  /**
   * Uses the link up: of any number of callers exactly one gets here.
   * @param attempt names this attempt. When an answer is lost on the way, asking again under the same name returns
   *   the same answer instead of "already used". It must be a secret of the caller, or a stranger could ask again too.
   */
  async redeem(proof: Proof, attempt: string): Promise<Link> {
    return (await this.post<{ link: Link }>('/v1/links/redeem', proof, { 'idempotency-key': attempt })).link;
  }

  /**
   * Tells somebody by mail what has happened. What happened stays so when this fails: it never stops anybody.
   * @returns whether the mail is on its way
   */
  async notify(notification: Notification): Promise<boolean> {
    return this.post('/v1/notifications', notification).then(
      () => true,
      () => false,
    );
  }

  private async post<Answer>(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.apiUrl + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', authorization: `Bearer ${this.apiKey}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5_000),
    }).catch((cause: unknown) => {
      throw new OncelinkProblem('unavailable', 503, 5, { cause });
    });
    const answer = (await response.json().catch(() => ({}))) as Answer & { code?: string };
    if (response.ok) return answer;
    const retryAfter = Number(response.headers.get('retry-after')) || undefined;
    throw new OncelinkProblem(answer.code ?? 'unavailable', response.status, retryAfter);
  }
}

/** A refusal (RFC 9457). `code` is stable and made for programs; each code has its page in `refusals.ts`. */
export class OncelinkProblem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    /** Seconds until it is worth asking again. */
    readonly retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(`Oncelink answered ${status} ${code}`, options);
  }
}

export type Purpose = 'email-verification' | 'magic-link' | 'password-reset';

export interface MintRequest {
  purpose: Purpose;
  recipient: string;
  /** Our own id of the person. It comes back at redemption; it means nothing to anybody else. */
  subject: string;
  redirectUri: string;
  templateData?: Record<string, string>;
  fingerprint?: string;
  codeChallenge?: string;
  decoy?: boolean;
}

export interface Notification {
  purpose: 'password-changed' | 'new-sign-in';
  recipient: string;
  subject: string;
  templateData?: Record<string, string>;
}

export interface Proof {
  code: string;
  purpose: Purpose;
  fingerprint?: string;
  codeVerifier?: string;
}

export interface Link {
  id: string;
  purpose: Purpose;
  subject: string;
  recipient: string;
  status: 'active' | 'redeemed' | 'expired' | 'revoked' | 'superseded';
}
