import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

// A test browser that talks to the service and to nobody else.
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-gpu',
  '--no-sandbox',
];

// The packaged browser is made for serverless functions, where these help; in a test they would make it another
// browser than people use: without the same-origin policy, or one whose tabs fall over together.
const UNREAL =
  /^--(disable-web-security|allow-running-insecure-content|single-process|no-zygote|disable-site-isolation)/;

/**
 * A real Chromium: `CHROMIUM_PATH`, else the one inside an npm package, which is the same everywhere and starts and
 * draws twice as fast as a whole browser, else, where that does not run, the system's.
 */
export async function launchBrowser(): Promise<Browser> {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined) return launch(given);
  return launchPackaged().catch((error: Error) => {
    const installed = SYSTEM.find((path) => existsSync(path));
    if (installed === undefined) throw error;
    console.warn(`${installed} instead of the packaged browser: ${error.message}`);
    return launch(installed);
  });
}

const launch = (executablePath: string): Promise<Browser> => chromium.launch({ executablePath, args: QUIET });

async function launchPackaged(): Promise<Browser> {
  const { default: packaged } = await import('@sparticuz/chromium');
  const args = packaged.args.filter((arg) => !UNREAL.test(arg));
  const home = await unpacked();
  const fonts = existsSync('/etc/fonts') ? {} : { FONTCONFIG_PATH: join(home, 'fonts') };
  return chromium.launch({
    executablePath: join(home, 'chromium'),
    args: [...args, ...QUIET],
    env: { ...(process.env as Record<string, string>), ...fonts },
  });
}

/**
 * Unpacks the packaged browser once. The package itself unpacks into the system's temporary directory, where a second
 * test file would find half a browser: so into a directory of its own first, which is then moved into place whole.
 */
async function unpacked(): Promise<string> {
  const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const { version } = JSON.parse(await readFile(join(modules, '@sparticuz/chromium/package.json'), 'utf8')) as {
    version: string;
  };
  const home = join(modules, '.cache', `chromium-${version}`);
  if (existsSync(home)) return home;
  await mkdir(join(modules, '.cache'), { recursive: true });
  const fresh = await mkdtemp(`${home}-`);
  const unpack = `import chromium from '@sparticuz/chromium'; await chromium.executablePath();`;
  // A process of its own, because only the environment of a process moves its temporary directory.
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', unpack], {
    cwd: modules,
    env: { ...process.env, TMPDIR: fresh },
  });
  await rename(fresh, home).catch(() => rm(fresh, { recursive: true, force: true })); // another one was quicker
  return home;
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Accessibility faults of the page as it is shown now, one line each: `rule: where`. WCAG 2.0 to 2.2, A and AA. */
export async function axe(page: Page): Promise<string[]> {
  // Evaluated by the debugger, not inserted as a script: the page keeps its own content security policy.
  await page.evaluate(await axeSource);
  const violations = await page.evaluate(async () => {
    const runner = (globalThis as unknown as { axe: AxeRunner }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await runner.run({ runOnly: tags })).violations;
  });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}

interface AxeRunner {
  run(options: { runOnly: string[] }): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }>;
}

const ARTIFACTS = new URL('../.artifacts/', import.meta.url);

/** Keeps what the page looks like, for people to look at: `test/.artifacts/<name>.png`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, ARTIFACTS).pathname, fullPage: true });
}
