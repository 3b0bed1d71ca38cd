import { randomBytes } from 'node:crypto';
import { readSettings, SettingsError } from '../../src/settings.js';
import { TEMPLATES } from '../support/templates.js';

/** What tutorials, starter kits, sample settings and word lists for guessing give as the secret of a JWT. */
const SECRETS = [
  ...['secret', 'Secret', 'SECRET', 'secret123', 'secret1234', 'secretkey', 'secret-key', 'secret_key', 'SecretKey'],
  ...['mysecret', 'my-secret', 'my_secret', 'mySecret', 'mysecretkey', 'my-secret-key', 'my_secret_key', 'mySecretKey'],
  ...['supersecret', 'super-secret', 'super_secret', 'superSecret', 'supersecretkey', 'super-secret-key', 'topsecret'],
  ...[
    'jwt',
    'jwtsecret',
    'jwt-secret',
    'jwt_secret',
    'jwtSecret',
    'JWT_SECRET',
    'jwt_secret_key',
    'jwt-key',
    'jwtpassword',
  ],
  ...[
    'your-secret',
    'your-secret-key',
    'your_secret_key',
    'your_jwt_secret',
    'your-jwt-secret',
    'yoursecret',
    'YOUR_SECRET',
  ],
  ...[
    'your-256-bit-secret',
    'your-384-bit-secret',
    'your-512-bit-secret',
    '256-bit-secret',
    'replace-me',
    'replace_this',
  ],
  ...['changeme', 'change-me', 'change_me', 'CHANGE_ME', 'changeit', 'please-change-me', 'change-this-in-production'],
  ...['password', 'Password1', 'passw0rd', 'P@ssw0rd', 'password123', 'pass', 'admin', 'administrator', 'root', 'toor'],
  ...[
    'test',
    'testing',
    'test123',
    'testsecret',
    'example',
    'sample',
    'demo',
    'default',
    'dev',
    'development',
    'local',
  ],
  ...[
    'key',
    'private',
    'privatekey',
    'private_key',
    'token',
    'tokensecret',
    'access_token_secret',
    'refresh_token_secret',
  ],
  ...['123456', '12345678', '123456789', '1234567890', '0123456789abcdef', 'abc123', 'abcdefghijklmnopqrstuvwxyz'],
  ...['qwerty', 'qwertyuiop', 'letmein', 'iloveyou', 'dragon', 'foobar', 'foo', 'hello', 'helloworld', 'hunter2'],
  ...['keyboard cat', 'shhhhh', 'shhhhhhared-secret', 'ilovecats', 'null', 'undefined', 'none', 'true', 'session'],
  ...[
    'a-string-secret-at-least-256-bits-long',
    'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  ],
  ...[
    'this is a secret',
    'this-is-my-secret-key-for-jwt-tokens',
    'thisisasecretkeythatshouldbelongenough',
    'correct horse battery staple',
  ],
  ...['my-32-character-ultra-secure-and-ultra-long-secret', 'this_is_a_very_long_secret_key_for_jwt_signing_2024!'],
  ...[
    'django-insecure-change-me',
    'SomeRandomString',
    'oncelink',
    'oncelink-secret',
    'olk_test_secret',
    'magic-link',
    'nestjs',
  ],
];

const b64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url');
const settingsWith = (k: string): unknown =>
  readSettings({
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://links.example.com',
    DATABASE_URL: 'sqlite:never-opened.sqlite',
    SMTP_URL: 'smtps://relay.example.com',
    MAIL_FROM: 'Shop <no-reply@example.com>',
    TEMPLATES_DIR: TEMPLATES,
    SIGNING_KEYS: JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', kid: 'a', k }] }),
  });

/** How people make such a text as long as a key has to be. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => b64(secret),
  'over and over': (secret) => b64(repeated(secret, 32)),
  'over and over, cut to 32 bytes': (secret) => b64(repeated(secret, 32).slice(0, 32)),
  'over and over, to 64 bytes': (secret) => b64(repeated(secret, 64)),
  'over and over, with the end of a line': (secret) => b64(`${repeated(secret, 32)}\n`),
  'filled up with blanks': (secret) => b64(secret.padEnd(32)),
  'filled up with noughts': (secret) => b64(secret.padEnd(32, '0')),
  'filled up by counting': (secret) => b64(secret.padEnd(32, '1234567890')),
  'in base64': (secret) => b64(b64(repeated(secret, 32))),
  'in hexadecimal': (secret) => b64(Buffer.from(repeated(secret, 32)).toString('hex')),
  'taken for base64url, over and over': (secret) => asBase64url(repeated(secret, 43).slice(0, 43)),
  'taken for base64url, over and over, to 64 bytes': (secret) => asBase64url(repeated(secret, 86).slice(0, 86)),
  'taken for base64url, filled up': (secret) => asBase64url(secret.padEnd(43, 'A')),
  'in UTF-16': (secret) => b64(Buffer.from(repeated(secret, 32), 'utf16le')),
};
/** As a decoder that passes over strange letters takes it. */
function asBase64url(text: string): string {
  return b64(Buffer.from(text, 'base64url'));
}
function repeated(secret: string, length: number): string {
  return secret.repeat(Math.ceil(length / secret.length));
}

test('with a key from a generator the settings are good, so that refusals below mean something', () => {
  expect(settingsWith(b64(randomBytes(32)))).toMatchObject({ production: true });
});

test('there are more than a hundred of them, each once', () => {
  expect(new Set(SECRETS).size).toBe(SECRETS.length);
  expect(SECRETS.length).toBeGreaterThan(100);
});

test.each(Object.entries(FORMS))('no secret that everybody knows is a signing key: %s', (_form, keyOf) => {
  const accepted: string[] = [];
  for (const secret of SECRETS) {
    try {
      settingsWith(keyOf(secret));
      accepted.push(secret);
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      // That key, and nothing else, is at fault; the message does not repeat it.
      expect((error as Error).message).toMatch(/ {2}- SIGNING_KEYS key 1 (?:is not random|must be kty "oct" with)/);
      expect((error as Error).message).toMatch(/One setting needs your attention/);
      expect((error as Error).message).not.toContain(keyOf(secret));
    }
  }
  expect(accepted).toEqual([]);
});
