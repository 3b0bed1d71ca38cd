import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = process.env['ONCELINK_CLI'] ?? join(CHECKOUT, 'dist/cli/main.js');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** both, for what must be said or never be said anywhere */
  readonly output: string;
}

type Environment = Record<string, string>;

/** The built command line as an operator runs it: a process of its own, in a folder of its own. */
export class Cli {
  readonly directory = mkdtempSync(join(tmpdir(), 'oncelink-cli-'));

  /** @param env nothing else is inherited but PATH, and the checkout's templates */
  constructor(private readonly env: Environment = {}) {}

  path(name: string): string {
    return join(this.directory, name);
  }

  run(args: readonly string[], env: Environment = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], TEMPLATES_DIR: join(CHECKOUT, 'templates'), ...this.env, ...env },
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        resolve({ code, stdout: stdout(), stderr: stderr(), output: stdout() + stderr() });
      });
    });
  }

  /** Runs what is expected to work. @returns its standard output */
  async ok(args: readonly string[], env?: Environment): Promise<string> {
    const { code, stdout, output } = await this.run(args, env);
    if (code !== 0) throw new Error(`oncelink ${args.join(' ')} ended with ${code}:\n${output}`);
    return stdout;
  }

  /** The same for what prints JSON. */
  async json(args: readonly string[], env?: Environment): Promise<any> {
    return JSON.parse(await this.ok(args, env));
  }

  clear(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
