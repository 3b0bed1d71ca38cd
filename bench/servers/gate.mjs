// The token gate of the built service, alone in a process: how many tokens of each bad kind it refuses in a second of CPU.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const built = (path) => import(pathToFileURL(`${process.env.DIST}/${path}`).href);
const { KeyRing } = await built('links/key-ring.js');
const { Tokens } = await built('links/tokens.js');
const { sampleLink } = await built('testing.js');

const now = Date.now();
const link = sampleLink({ createdAt: now, issuedAt: now, expiresAt: now + 3_600_000 });
const DIFFERENT = 64;
const many = (make) => Array.from({ length: DIFFERENT }, make);
const b64 = (value) => Buffer.from(value).toString('base64url');

const hs256 = tokensBy({ kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'HS256', kid: 'one' });
const [, claims, signature] = hs256.mintLink(link).split('.');
const withHeader = (header) =>
  `${b64(JSON.stringify({ alg: 'HS256', typ: 'oncelink+jwt', ...header }))}.${claims}.${signature}`;

const kinds = {
  garbage: [hs256, many(() => randomBytes(150).toString('base64'))],
  'three parts of garbage': [hs256, many(() => [40, 150, 32].map((size) => b64(randomBytes(size))).join('.'))],
  'of another shape': [hs256, many(() => withHeader({ kid: 'one', crit: ['x'], n: Math.random() }))],
  'unknown kid': [hs256, many(() => withHeader({ kid: randomBytes(4).toString('hex') }))],
  'forged HS256': forged(hs256),
  'forged ES256': forged(tokensBy(pair('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })))),
  'forged RS256': forged(tokensBy(pair('RS256', generateKeyPairSync('rsa', { modulusLength: 3072 })))),
};

const rates = Object.entries(kinds).map(([name, [tokens, list]]) => {
  refusals(tokens, list, process.env.MILLISECONDS / 2);
  return { name, rate: refusals(tokens, list, Number(process.env.MILLISECONDS)) };
});
process.stdout.write(JSON.stringify(rates));

function tokensBy(jwk) {
  const ring = KeyRing.fromJwks(JSON.stringify({ keys: [jwk] }));
  return new Tokens(ring, 'https://links.example.com', new Set([link.purpose]), Date.now);
}

function pair(alg, { privateKey }) {
  return { ...privateKey.export({ format: 'jwk' }), alg, kid: 'one' };
}

/** Everything is right but the signature. */
function forged(tokens) {
  const [header, payload, own] = tokens.mintLink(link).split('.');
  const size = Buffer.from(own, 'base64url').length;
  return [tokens, many(() => `${header}.${payload}.${b64(randomBytes(size))}`)];
}

/** @returns refusals in one second of CPU */
function refusals(tokens, list, milliseconds) {
  let count = 0;
  const before = process.cpuUsage();
  for (const end = performance.now() + milliseconds; performance.now() < end;) {
    for (const token of list) {
      try {
        tokens.readLink(token);
      } catch {
        count++;
        continue;
      }
      throw new Error('the gate let a bad token in');
    }
  }
  const { user, system } = process.cpuUsage(before);
  return (count / (user + system)) * 1e6;
}
