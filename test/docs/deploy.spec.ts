import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { readSettings } from '../../src/settings.js';
import { ROOT } from './readme.js';

const fileOf = (name: string): string => readFileSync(join(ROOT, 'deploy', name), 'utf8');
const { services } = parseYaml(fileOf('compose.yaml'), { merge: true });
const instances = Object.keys(services).filter((name) => name.startsWith('oncelink-'));

/** What whoever follows the file's first lines has in the environment. */
const EXPORTED: Record<string, string> = {
  SIGNING_KEYS: JSON.stringify({
    keys: [{ kty: 'oct', alg: 'HS256', kid: 'one', k: randomBytes(32).toString('base64url') }],
  }),
  API_KEY: `olk_first_${randomBytes(20).toString('hex')}`,
};
/** `${NAME:-default}` and `${NAME:?message}`, as compose reads them. */
const filledIn = (text: string): string =>
  text.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_all, name: string, kind: string, word: string) =>
    kind === '-' ? word : EXPORTED[name]!,
  );
const environmentOf = (service: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries<string>(services[service].environment).map(([name, value]) => [name, filledIn(value)]),
  );

test('each instance has settings that production accepts, and no others', () => {
  expect(instances).toHaveLength(3);
  const [first, ...others] = instances.map(environmentOf);
  for (const other of others) expect(other).toEqual(first);
  const settings = readSettings(first!);
  expect(settings).toMatchObject({ production: true, publicUrl: 'http://localhost:8080', trustProxy: ['uniquelocal'] });
  expect(environmentOf('migrate').DATABASE_URL).toBe(first!.DATABASE_URL);
  // Nothing of it is a slip of the pen: every name is one of ours, but that of Node's own.
  const { NODE_EXTRA_CA_CERTS: _, ...ours } = first!;
  const known = readFileSync(join(ROOT, '.env.example'), 'utf8');
  for (const name of Object.keys(ours)) expect(known).toMatch(new RegExp(`^#? ?${name}=`, 'm'));
});

test('the database, the mail catcher and the balancer are where the settings look for them', () => {
  const { DATABASE_URL, SMTP_URL, PUBLIC_URL } = environmentOf('oncelink-1');
  const database = new URL(DATABASE_URL!);
  expect(services[database.hostname].environment).toEqual({
    POSTGRES_USER: database.username,
    POSTGRES_PASSWORD: database.password,
    POSTGRES_DB: database.pathname.slice(1),
  });
  expect(services).toHaveProperty(new URL(SMTP_URL!).hostname);
  expect(services.balancer.ports).toEqual([`${new URL(PUBLIC_URL!).port}:80`]);
});

test('nobody comes too early: while it is set up, the database answers on its own socket alone', () => {
  expect(services.postgres.healthcheck.test.join(' ')).toMatch(/pg_isready -h 127\.0\.0\.1/);
  for (const name of instances)
    expect(services[name].depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
});

test('an instance has longer to stop than it takes', () => {
  for (const name of instances) expect(parseInt(services[name].stop_grace_period)).toBeGreaterThan(10);
});

describe('the balancer', () => {
  const caddy = fileOf('Caddyfile');
  const patterns = /@public path (.*)/.exec(caddy)![1]!.split(' ');
  const isPublic = (path: string): boolean =>
    patterns.some((pattern) => (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern));

  test('sends requests to every instance, and asks each whether it wants them', () => {
    const { port } = readSettings(environmentOf('oncelink-1'));
    expect(/reverse_proxy ([^{]*) \{/.exec(caddy)![1]!.split(' ')).toEqual(instances.map((name) => `${name}:${port}`));
    expect(caddy).toContain('health_uri /health/ready');
  });

  test.each(['/l/t', '/links/i', '/links/i/report', '/links/i/renew', '/r/t', '/v1/links', '/.well-known/jwks.json'])(
    'lets people and apps reach %s',
    (path) => expect(isPublic(path)).toBe(true),
  );

  test.each(['/metrics', '/health/ready', '/docs', '/openapi.json', '/'])('keeps %s inside', (path) =>
    expect(isPublic(path)).toBe(false),
  );
});
