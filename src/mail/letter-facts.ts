/** What a letter says, apart from its words. */
export interface LetterFacts {
  readonly purpose: string;
  readonly locale: string;
  /** who asks, and how it looks: `#rrggbb`, a `data:` URI */
  readonly app: { readonly name: string; readonly colour?: string; readonly logo?: string };
  /** ms since the epoch */
  readonly now: number;
  /** what the letter is about: a link to open, or something that happened */
  readonly about: LinkFacts | { readonly happenedAt: number };
  /** the variables that the purpose declares */
  readonly templateData: Readonly<Record<string, string | number | boolean | null>>;
}

export interface LinkFacts {
  readonly url: string;
  /** where "this wasn't me" leads, if the purpose asks */
  readonly reportUrl: string | null;
  /** to type where the link was asked for, if the purpose has one */
  readonly oneTimeCode: string | null;
  /** seconds */
  readonly lifetime: number;
  /** ms since the epoch */
  readonly expiresAt: number;
}

/** What a purpose's templates may speak of. */
export interface LetterContent {
  readonly kind: 'link' | 'notification';
  /** the template variables that the purpose declares */
  readonly variables: readonly string[];
}
