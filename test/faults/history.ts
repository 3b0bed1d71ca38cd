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
  /** when it was accepted; of the same clock as calls */
  readonly at: number;
}

/** The end of a courier, or of several by that of their database. */
export interface Crash {
  /** it happened within this time, and whatever had been sent before has arrived by its end */
  readonly from: number;
  readonly to: number;
  /** how many mails were in hand at most: so many may come twice */
  readonly inHand: number;
}

/** Everything the outside saw: what was asked and answered, what arrived, what is there in the end. */
export interface History {
  readonly minted: readonly Minted[];
  /** how many mints were asked for, each under a key of its own */
  readonly mintsAsked: number;
  readonly reported: readonly Reported[];
  readonly mails: readonly Mail[];
  readonly crashes: readonly Crash[];
  /** answers that nothing in the contract explains */
  readonly oddities: readonly string[];
}
