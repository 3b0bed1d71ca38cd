import fc from 'fast-check';
import { TokenInvalid } from '../../src/links/errors.js';
import { KeyRing } from '../../src/links/key-ring.js';
import { Tokens } from '../../src/links/tokens.js';
import { HandSetClock, sampleLink } from '../../src/testing.js';
import { tell } from '../faults/size.js';
import { b64, keySet } from './forger.js';

/** `MUTATIONS=full` takes a million. The seed is printed, and `MUTATIONS_SEED` repeats it. */
const TOTAL = process.env['MUTATIONS'] === 'full' ? 1_000_000 : 50_000;
const SEED = Number(process.env['MUTATIONS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** How many of a hundred: an asymmetric signature costs a hundred times what an HMAC does, so most are of HS256. */
const SHARE = { HS256: 84, ES256: 10, RS256: 6 } as const;
tell(`seed ${SEED} (MUTATIONS_SEED=${SEED} repeats it)`);

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const STRANGE = [...'.=+/ \n\r\t\0%"{}é\u200b😀'];

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const character = fc.oneof(fc.constantFrom(...ALPHABET), fc.constantFrom(...STRANGE));
type Mutation = (token: string, other: string) => string;
/** A place in a text, given as a part of its length, so that it shrinks on its own. */
const place = (text: string, part: number): number => Math.floor(part * text.length);
const segment = fc.nat(2);
const change = (token: string, index: number, by: (part: string) => string): string =>
  token
    .split('.')
    .map((part, n) => (n === index ? by(part) : part))
    .join('.');
const bytes = (part: string, by: (bytes: Buffer) => Buffer): string => b64(by(Buffer.from(part, 'base64url')));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  // characters replaced, inserted, deleted, exchanged
  fc.tuple(at, character).map(
    ([p, c]): Mutation =>
      (t) =>
        t.slice(0, place(t, p)) + c + t.slice(place(t, p) + 1),
  ),
  fc.tuple(at, character).map(
    ([p, c]): Mutation =>
      (t) =>
        t.slice(0, place(t, p)) + c + t.slice(place(t, p)),
  ),
  fc.tuple(at, at).map(
    ([p, q]): Mutation =>
      (t) =>
        t.slice(0, place(t, Math.min(p, q))) + t.slice(place(t, Math.max(p, q))),
  ),
  at.map(
    (p): Mutation =>
      (t) =>
        t.slice(0, place(t, p)) +
        t
          .slice(place(t, p), place(t, p) + 2)
          .split('')
          .reverse()
          .join('') +
        t.slice(place(t, p) + 2),
  ),
  // bits flipped, bytes cut or added, in what a segment decodes to
  fc.tuple(segment, at, fc.nat(7)).map(
    ([n, p, bit]): Mutation =>
      (t) =>
        change(t, n, (part) =>
          bytes(part, (all) => {
            if (all.length > 0) all[place(part, p) % all.length]! ^= 1 << bit;
            return all;
          }),
        ),
  ),
  fc.tuple(segment, at).map(
    ([n, p]): Mutation =>
      (t) =>
        change(t, n, (part) => bytes(part, (all) => all.subarray(0, Math.floor(all.length * p)))),
  ),
  fc.tuple(segment, fc.nat(255)).map(
    ([n, byte]): Mutation =>
      (t) =>
        change(t, n, (part) => bytes(part, (all) => Buffer.concat([all, Buffer.from([byte])]))),
  ),
  // segments left out, doubled, exchanged, encoded once more or otherwise
  fc.tuple(segment, segment).map(
    ([n, m]): Mutation =>
      (t) =>
        change(t, n, () => t.split('.')[m] ?? ''),
  ),
  segment.map(
    (n): Mutation =>
      (t) =>
        t.split('.').toSpliced(n, 1).join('.'),
  ),
  fc.constantFrom<Mutation>(
    (t) => `${t}.${t}`,
    (t) => t.split('.').reverse().join('.'),
    (t) => b64(t),
    (t) => t.toUpperCase(),
    (t) => t.toLowerCase(),
    () => '',
  ),
  segment.map(
    (n): Mutation =>
      (t) =>
        change(t, n, (part) => Buffer.from(part, 'base64url').toString('base64')),
  ),
  segment.map(
    (n): Mutation =>
      (t) =>
        change(t, n, (part) => Buffer.from(part, 'base64url').toString('hex')),
  ),
  segment.map(
    (n): Mutation =>
      (t) =>
        change(t, n, (part) => part.slice(0, -1) + (ALPHABET[ALPHABET.indexOf(part.at(-1) ?? 'A') ^ 1] ?? '')),
  ),
  // two valid tokens spliced: by segment, or anywhere
  segment.map(
    (n): Mutation =>
      (t, other) =>
        change(t, n, () => other.split('.')[n]!),
  ),
  fc.tuple(at, at).map(
    ([p, q]): Mutation =>
      (t, other) =>
        t.slice(0, place(t, p)) + other.slice(place(other, q)),
  ),
);

test.each(['HS256', 'ES256', 'RS256'] as const)(
  'of mutated tokens none is accepted: %s',
  (alg) => {
    const clock = new HandSetClock(1_800_000_000_000);
    const purposes = new Set(['password-reset', 'magic-link']);
    const tokens = new Tokens(
      KeyRing.fromJwks(JSON.stringify(keySet(alg))),
      'https://links.example.com',
      purposes,
      clock.now,
    );
    const link = { issuedAt: clock.time, expiresAt: clock.time + 600_000 };
    const valid = ['password-reset', 'password-reset', 'magic-link'].map((purpose) =>
      tokens.mintLink(sampleLink({ ...link, purpose })),
    );
    const codes = valid.map((_token, n) => tokens.mintCode(sampleLink({ ...link, subject: `s${n}` }), 300, false));
    const genuine = new Set([...valid, ...codes]);
    for (const token of valid) expect(tokens.readLink(token)).toBeDefined();
    const share = (TOTAL * SHARE[alg]) / 100;
    let mutants = 0;

    const property = fc.property(
      fc.nat(2),
      fc.nat(5),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (one, two, mutations) => {
        const other = [...genuine][two]!;
        const mutant = mutations.reduce((token, mutate) => mutate(token, other), valid[one]!);
        // Does not count: nothing has changed.
        fc.pre(!genuine.has(mutant));
        mutants += 1;
        for (const read of [(text: string) => tokens.readLink(text), (text: string) => tokens.readCode(text)]) {
          let accepted: unknown;
          try {
            accepted = read(mutant);
          } catch (error) {
            // Refused, and by our own hand: no other error may get out of the gate.
            if (error instanceof TokenInvalid) continue;
            throw error;
          }
          throw new Error(`accepted: ${JSON.stringify(accepted)}`);
        }
      },
    );
    fc.assert(property, { numRuns: share, seed: SEED });
    expect(mutants).toBe(share);
    tell(`${alg}: ${share} mutants refused`);
  },
  1_800_000,
);
