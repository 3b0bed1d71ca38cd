import type { LinkAbout } from './letter-check.js';
import type { LetterContent, LetterFacts } from './letter-facts.js';
import { durationText, momentText } from './locales.js';

const NOW = Date.UTC(2026, 0, 15, 13, 35);
/** As long as links get. */
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9'.repeat(20);
const URL = `https://links.example.com/l/${TOKEN}`;
const REPORT = `https://links.example.com/r/${TOKEN}`;
const LIFETIME = 1_800;
const EXPIRES_AT = NOW + LIFETIME * 1000;

/** What a purpose gives its letters. */
export interface SampleLink {
  /** seconds */
  readonly lifetime: number;
  readonly hasCode: boolean;
  /** the letter asks whether it was wanted */
  readonly asks: boolean;
}

/**
 * What a letter to somebody made up is about.
 * @param complete with every variable, or only what is always there
 * @param as what its link is like; without it, as `complete` says
 */
export function sampleFacts(
  { kind, variables }: LetterContent,
  {
    complete,
    as = { lifetime: LIFETIME, hasCode: complete, asks: complete },
    ...given
  }: Pick<LetterFacts, 'purpose' | 'locale' | 'app'> & { complete: boolean; as?: SampleLink },
): LetterFacts {
  const link = {
    url: URL,
    lifetime: as.lifetime,
    expiresAt: NOW + as.lifetime * 1000,
    oneTimeCode: as.hasCode ? '7K2M-9QXT' : null,
    reportUrl: as.asks ? REPORT : null,
  };
  const madeUp = (variable: string): string => (variable === 'name' ? 'Ann' : `[${variable}]`);
  return {
    ...given,
    now: NOW,
    about: kind === 'link' ? link : { happenedAt: NOW },
    templateData: Object.fromEntries(variables.map((name) => [name, complete ? madeUp(name) : null])),
  };
}

/** What has to be found in that letter, if it is one with a link. */
export function sampleMarks(locale: string): LinkAbout {
  return { url: URL, report: REPORT, expiry: [durationText(LIFETIME, locale), momentText(EXPIRES_AT, NOW, locale)] };
}
