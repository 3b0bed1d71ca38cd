import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, Cli } from './cli.js';

let cli: Cli;
beforeEach(() => void (cli = new Cli()));
afterEach(() => cli.clear());

const COMMANDS = [
  'migrate',
  'doctor',
  'templates lint',
  'templates preview',
  'apps create <id>',
  'apps update <id>',
  'apps list',
  'keys create',
  'keys list',
  'keys revoke <key-id>',
  'signing-keys rotate',
  'signing-keys revoke <kid>',
  'signing-keys list',
  'signing-keys prune',
  'mint',
  'show <id|token>',
  'revoke <id>',
];

test('--help lists every command with what it does', async () => {
  const help = await cli.ok(['--help']);
  const listed = [...help.matchAll(/^ {2}([a-z][^ ]*(?: (?:[a-z]+|<[^>]+>))*) {2,}\S/gm)].map(([, command]) => command);
  expect([...listed].sort()).toEqual([...COMMANDS].sort());
  for (const word of ['Examples:', '.env', 'Exit codes']) expect(help).toContain(word);
});

test('every command has a help of its own', async () => {
  const helps = await Promise.all(
    COMMANDS.map((command) => cli.ok([...command.split(' ').filter((word) => !word.startsWith('<')), '--help'])),
  );
  helps.forEach((help, index) =>
    expect(help).toContain(`Usage: oncelink ${COMMANDS[index]!.replace(/ <.*/, '')} [options]`),
  );
}, 60_000);

test('help may be asked for by its name, too', async () => {
  expect(await cli.ok(['help'])).toBe(await cli.ok(['--help']));
  expect(await cli.ok(['help', 'mint'])).toBe(await cli.ok(['mint', '--help']));
  expect(await cli.ok(['help', 'apps'])).toContain('apps create <id>');
  expect(await cli.ok(['signing-keys', 'rotate', '--help'])).toContain('(default: 5s)');
});

test('everything that a link needs and was not said is told at once', async () => {
  const { stderr } = await cli.run(['mint', '--purpose', 'magic-link']);
  expect(stderr).toContain('missing: --recipient, --subject');
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'));
  expect(await cli.ok(['--version'])).toBe(`${version}\n`);
});

test.each([
  ['nothing at all', []],
  ['half a command', ['apps']],
  ['an unknown command', ['aps', 'list']],
  ['an unknown option', ['apps', 'list', '--all']],
  ['a missing argument', ['keys', 'revoke']],
  ['a superfluous argument', ['migrate', 'now']],
  ['missing options', ['mint', '--purpose', 'magic-link']],
  ['nothing to change', ['apps', 'update', 'shop']],
  ['help for what is no command', ['help', 'mnit']],
  ['an id that is none', ['apps', 'create', 'The Shop']],
  ['a redirect URI in the open', ['apps', 'create', 'shop', '--redirect-uri', 'http://shop.example/']],
  ['an unknown scope', ['keys', 'create', '--scopes', 'links:mint,links:all']],
  ['an unknown algorithm', ['signing-keys', 'rotate', '--alg', 'none']],
])('wrong usage ends with 2 and touches nothing: %s', async (_what, args) => {
  const { code, stdout, stderr } = await cli.run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toBe('');
  expect(existsSync(cli.path('data'))).toBe(false);
});

test('a secret at the wrong place is not repeated', async () => {
  const { stderr } = await cli.run(['olk_ab12_0123456789abcdef0123456789abcdef']);
  expect(stderr).toContain('unknown command');
  expect(stderr).not.toContain('0123456789');
});

test('settings come from .env, and the environment wins', async () => {
  writeFileSync(cli.path('.env'), 'DATABASE_URL=sqlite:./from-file.sqlite\n');
  await cli.ok(['migrate']);
  expect(existsSync(cli.path('from-file.sqlite'))).toBe(true);
  await cli.ok(['migrate'], { DATABASE_URL: 'sqlite:./from-environment.sqlite' });
  expect(existsSync(cli.path('from-environment.sqlite'))).toBe(true);
});

describe('in production', () => {
  const production = { NODE_ENV: 'production' };

  test.each([
    ['migrate', ['migrate']],
    ['apps', ['apps', 'create', 'shop']],
    ['keys', ['keys', 'list']],
    ['signing-keys', ['signing-keys', 'rotate']],
  ])('%s does not fall back to the files of development', async (_what, args) => {
    const { code, stderr } = await cli.run(args, production);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^(DATABASE_URL|SIGNING_KEYS_FILE) is /);
    expect(existsSync(cli.path('data'))).toBe(false);
  });

  test('settings that a command does not need may be missing', async () => {
    const env = { ...production, DATABASE_URL: 'sqlite:./links.sqlite' };
    expect(await cli.ok(['migrate'], env)).toMatch(/1 migration|[2-9]\d* migrations/);
    expect(await cli.ok(['migrate'], env)).toContain('nothing to do');
    expect(await cli.ok(['apps', 'list'], env)).toContain('no apps yet');
    expect(await cli.ok(['templates', 'lint'], production)).toContain('no fault');
  });

  test('how to write a missing setting is told whole', async () => {
    const { stderr } = await cli.run(['migrate'], production);
    expect(stderr).toContain('postgres://user:password@host:5432/database');
  });

  test('a mode that is none is not taken for development', async () => {
    const { code, stderr } = await cli.run(['migrate'], { NODE_ENV: 'staging' });
    expect(code).toBe(1);
    expect(stderr).toContain('NODE_ENV');
    expect(existsSync(cli.path('data'))).toBe(false);
  });
});

test('instances that are deployed together may migrate together', async () => {
  const outcomes = await Promise.all([1, 2, 3].map(() => cli.run(['migrate'])));
  expect(outcomes.map(({ code, stderr }) => ({ code, stderr }))).toEqual(outcomes.map(() => ({ code: 0, stderr: '' })));
  expect(await cli.ok(['migrate'])).toContain('nothing to do');
});

test('a database that cannot be opened is told in plain words', async () => {
  writeFileSync(
    cli.path('text.sqlite'),
    'This is a text file, and none of the databases that SQLite writes. '.repeat(20),
  );
  const broken = await cli.run(['apps', 'list'], { DATABASE_URL: 'sqlite:./text.sqlite' });
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/^The database cannot be opened: .*not a database.*Check DATABASE_URL\.\n$/);
  const away = await cli.run(['apps', 'list'], { DATABASE_URL: 'postgres://ann:pass-word-1@127.0.0.1:1/links' });
  expect(away.code).toBe(1);
  expect(away.stderr).toMatch(/^The database cannot be opened: .*ECONNREFUSED.*\n$/);
  expect(away.stderr).not.toContain('pass-word-1');
});
