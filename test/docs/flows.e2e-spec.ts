import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_KEY, startService, type TestService } from '../support/service.js';
import { blocks, plain, section, table } from './readme.js';

/** The README's commands, pasted into a shell, against the real service. */
describe('The README', () => {
  let service: TestService;
  let directory: string;
  beforeAll(async () => {
    service = await startService();
    directory = mkdtempSync(join(tmpdir(), 'oncelink-readme-'));
  });
  afterAll(async () => {
    await service.stop();
    rmSync(directory, { recursive: true });
  });

  const tools = ['bash', 'curl', 'openssl', 'grep', 'sed'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (tools.length > 0) console.warn(`The README's commands are not tried: ${tools.join(', ')} missing.`);
  const [setup, ...flows] = blocks(section('The three flows, with curl'), 'sh');
  const names = section('The three flows, with curl').match(/^### .*$/gm)!;

  (tools.length > 0 ? test.skip : test).each(flows.map((flow, index) => [names[index]!.slice(4), flow] as const))(
    '%s: every command gives what the comment below it says',
    async (_name, flow) => {
      const prepared = setup!.replace(/^URL=.*$/m, `URL=${service.url}`).replace(/^KEY=.*$/m, `KEY=${API_KEY}`);
      expect(prepared).not.toBe(setup);
      const steps = flow.split(/^# → /m);
      // Each comment "# → x" stands below the command whose answer has x in it.
      const expected = steps.slice(1).map((step) => step.split('\n', 1)[0]!);
      const script = [
        prepared,
        steps[0],
        ...steps.slice(1).map((step) => `echo ::::\n${step.split('\n').slice(1).join('\n')}`),
      ].join('\n');
      const output = await run(script);
      const answers = output.split('::::\n');
      expect(expected.length).toBeGreaterThan(1);
      expected.forEach((part, index) => expect(answers[index]).toContain(part));
    },
  );

  test('has every address of the API, and no other', async () => {
    const { body } = await service.request('GET', '/openapi.json');
    const served = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const { rows } = table(section('HTTP API'), 'request');
    expect(rows.map(([request]) => plain(request!)).sort()).toEqual(served.sort());
  });

  function run(script: string): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(
        'bash',
        ['-euo', 'pipefail', '-c', script],
        { cwd: directory, timeout: 30_000 },
        (error, stdout, stderr) =>
          error ? reject(new Error(`${error.message}\n${stdout}\n${stderr}`)) : resolve(stdout),
      );
    });
  }
});
