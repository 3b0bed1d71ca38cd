import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { axe, launchBrowser } from '../support/browser.js';
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

test('what is required and left out, as in a folder that was copied, is told; with --strict it is a fault', async () => {
  cpSync(cli.path('templates/purposes/magic-link'), cli.path('templates/purposes/invitation'), { recursive: true });
  const folder = 'templates/purposes/invitation';
  appendFileSync(cli.path(`${folder}/purpose.yaml`), '  team: { type: string, required: true }\n');
  for (const file of ['html', 'text']) appendFileSync(cli.path(`${folder}/en/mail.${file}.hbs`), '{{team}}\n');
  const { code, stdout } = await lint();
  expect(code).toBe(0);
  expect(stdout).toContain(`warning: ${folder}/de/mail.text.hbs:1 leaves out {{team}}, which its purpose requires`);
  expect(stdout).not.toContain(`${folder}/en/`);
  expect((await cli.run(['templates', 'lint', '--strict'])).code).toBe(1);
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

describe('templates preview', () => {
  const filesIn = (folder: string): string[] =>
    readdirSync(cli.path(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(cli.directory, join(entry.parentPath, entry.name)))
      .sort();

  test('writes every mail and page for every app, and nothing outside its folder', async () => {
    const home = { DATABASE_URL: 'sqlite:./oncelink.sqlite' };
    await cli.ok(['migrate'], home);
    await cli.ok(['apps', 'create', 'shop', '--name', 'The <b>Shop</b>'], home);
    const before = filesIn('.');
    await cli.ok(['templates', 'preview', '--out', 'looks/at'], home);
    const written = filesIn('looks/at');
    expect(filesIn('.').filter((file) => !file.startsWith('looks/'))).toEqual(before);

    for (const locale of ['en', 'de', 'fr', 'es', 'it', 'pt-BR', 'ja', 'ar']) {
      for (const purpose of ['magic-link', 'password-reset', 'email-verification', 'password-changed', 'new-sign-in'])
        for (const view of ['html', 'wide.html', 'phone.html', 'txt'])
          expect(written).toContain(`looks/at/shop/${purpose}/${locale}.${view}`);
      for (const purpose of ['magic-link', 'password-reset', 'email-verification'])
        for (const state of ['confirm', 'expired', 'report'])
          expect(written).toContain(`looks/at/shop/${purpose}/${locale}/${state}.html`);
    }
    for (const file of written.filter((name) => name.endsWith('.html'))) {
      const markup = readFileSync(cli.path(file), 'utf8');
      expect([file, markup.endsWith('</html>\n'), markup.includes('<b>Shop')]).toEqual([file, true, false]);
      // Its own links lead to files that are there; a template's lead to where nobody is.
      const own = /index|\.(wide|phone|pages)\.html$/.test(file) ? markup.matchAll(/(?:href|src)="([^"]*)"/g) : [];
      for (const [, to] of own) expect(written).toContain(normalize(join(dirname(file), to!)));
    }
  }, 60_000);

  test('what it writes can be looked at without a service, and asks nobody for anything', async () => {
    await cli.ok(['templates', 'preview']);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 375, height: 800 } });
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      const at = (path: string) => page.goto(`file://${cli.path('preview')}/${path}`);
      await at('index.html');
      expect(await axe(page)).toEqual([]);
      await at('default/magic-link/en.phone.html');
      expect(await page.frameLocator('iframe').locator('h1').textContent()).toBe('Sign in to Example');
      await at('default/magic-link/en.pages.html');
      expect(await page.frameLocator('iframe >> nth=0').getByRole('button').textContent()).toBe('Sign in');
      expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 60_000);

  test('refuses what has faults, and production', async () => {
    appendFileSync(cli.path('templates/pages/en.yaml'), 'surprise: {}\n');
    expect((await cli.run(['templates', 'preview'])).stderr).toBe('The templates have 1 fault; mend them first.\n');
    const { code, stderr } = await cli.run(['templates', 'preview'], {
      NODE_ENV: 'production',
      DATABASE_URL: 'sqlite:./x',
    });
    expect([code, stderr]).toEqual([1, 'Previews are for development; NODE_ENV is production.\n']);
    expect(readdirSync(cli.directory)).toEqual(['templates']);
  });
});
