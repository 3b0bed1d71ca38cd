/** What a caller was told when it redeemed; `unknown`: no answer, or a 503, which is no verdict either. */
export type Told = 'won' | 'replayed' | 'lost' | 'unknown';

/** One redeem call. Times are of one clock, in ms. */
export interface Call {
  /** the Idempotency-Key: one racer asks again under the same one */
  readonly racer: string;
  readonly began: number;
  readonly ended: number;
  readonly told: Told;
}

/** A link whose mint was acknowledged with 201. */
export interface Minted {
  readonly id: string;
  /** null: returned instead of mailed */
  readonly mailedTo: string | null;
  readonly calls: Call[];
}

/** A link as the service reports it when everything is over. */
export interface Reported {
  readonly id: string;
  readonly status: string;
  readonly delivery: string;
}

export interface Mail {
  readonly to: string;
  readonly messageId: string;
}

/** Everything the outside saw: what was asked and answered, what arrived, what is there in the end. */
export interface History {
  readonly minted: readonly Minted[];
  /** how many mints were asked for, each under a key of its own */
  readonly mintsAsked: number;
  readonly reported: readonly Reported[];
  readonly mails: readonly Mail[];
  /** mails that may have been under way at crashes, all crashes together: so many may come twice */
  readonly underWayAtCrashes: number;
  /** answers that nothing in the contract explains */
  readonly oddities: readonly string[];
}
