import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, Cli } from './cli.js';

let cli: Cli;
beforeEach(() => {
  cli = new Cli({ TEMPLATES_DIR: './templates' });
  cpSync(join(CHECKOUT, 'templates'), cli.path('templates'), { recursive: true });
});
afterEach(() => cli.clear());

const lint = () => cli.run(['templates', 'lint']);
const lines = (file: string): number => readFileSync(cli.path(file), 'utf8').split('\n').length;

test('the templates of the checkout have no fault', async () => {
  const { code, stdout, stderr } = await lint();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ purposes, \d+ letters: no fault\n/);
  expect((await cli.run(['templates', 'lint', '--strict'])).stdout).not.toContain('warning');
});

test('faults of policies, mails and pages are told together, each with its file and line', async () => {
  const policy = 'templates/purposes/magic-link/purpose.yaml';
  const mail = 'templates/purposes/password-reset/en/mail.text.hbs';
  const page = 'templates/pages/en.yaml';
  const faultyLine = { policy: lines(policy), mail: lines(mail), page: lines(page) };
  appendFileSync(cli.path(policy), 'surprise: 1\n');
  appendFileSync(cli.path(mail), '{{surname}}\n');
  appendFileSync(cli.path(page), 'surprise: {}\n');
  mkdirSync(cli.path('templates/purposes/empty'));

  const { code, stdout, stderr } = await lint();
  expect(code).toBe(1);
  expect(stdout).toMatch(new RegExp(`^${policy}:${faultyLine.policy} .*surprise`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${mail}:${faultyLine.mail} .*unknown variable`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${page}:${faultyLine.page} .*surprise`, 'm'));
  expect(stdout).toMatch(/^templates\/purposes\/empty\/purpose\.yaml:1 /m);
  expect(stderr).toBe('The templates have 4 faults.\n');
  expect(stdout.trim().split('\n')).toHaveLength(4);
});

test('a new folder is one purpose more', async () => {
  const before = Number((await lint()).stdout.split(' ')[0]);
  cpSync(cli.path('templates/purposes/magic-link'), cli.path('templates/purposes/invitation'), { recursive: true });
  expect((await lint()).stdout).toContain(`${before + 1} purposes`);
});

test('missing words and a missing layout are faults, not crashes', async () => {
  rmSync(cli.path('templates/purposes/magic-link/en/mail.html.hbs'));
  expect((await lint()).stdout).toMatch(/magic-link\/en\/mail\.html\.hbs:1 is missing/);
  writeFileSync(cli.path('templates/layouts/mail.html.hbs'), '{{#if}');
  const { code, stdout, stderr } = await lint();
  expect(code).toBe(1);
  expect(stdout).toMatch(/^templates\/layouts\/mail\.html\.hbs:1 /m);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('a folder that is none is told by its setting', async () => {
  const { code, stderr } = await cli.run(['templates', 'lint'], { TEMPLATES_DIR: './nowhere' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^TEMPLATES_DIR is not valid/);
});
