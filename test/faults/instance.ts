import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { productionHome, type Home } from '../support/child-service.js';
import { eventually } from '../support/service.js';
import type { Crash } from './history.js';

/** The built service; `ONCELINK_MAIN` names another build. */
export const MAIN = process.env['ONCELINK_MAIN'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** The built service, which kills itself at a point that the environment names. */
export const KILLABLE = fileURLToPath(new URL('./killable-service.mjs', import.meta.url));

/** Mails that a courier has handed over and not noted yet, at most: it notes them as soon as half of its hands are idle. */
const IN_HAND = 30;
/** What a process had sent is read by then, in ms, and no lease of its has run out yet. */
const IN_THE_WIRE = 5_000;

/** @param couriers how many of them were interrupted, some time since `from` */
export function crashSince(from: number, couriers = 1): Crash {
  return { from, to: performance.now() + IN_THE_WIRE, inHand: IN_HAND * couriers };
}

/** One place where the service runs, as a process of its own that is killed and started again on the same port. */
export class Instance {
  private child: ChildProcess | undefined;
  private output = '';
  /** the signal that ended the newest process, or its exit code */
  ended: Promise<NodeJS.Signals | number | null> = Promise.resolve(null);

  constructor(private readonly home: Home) {}

  get url(): string {
    return `http://127.0.0.1:${this.home.port}`;
  }

  get directory(): string {
    return this.home.directory;
  }

  /** Starts it without waiting. @param more settings for this process only */
  launch(more: Record<string, string> = {}, entry = MAIN, [command, ...words]: string[] = [process.execPath]): void {
    const env = { ...this.home.env, PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'fatal', ONCELINK_MAIN: MAIN, ...more };
    const child = spawn(command!, [...words, entry], {
      cwd: this.home.directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.output = '';
    // The newest words only: a service under faults has much to say.
    const keep = (chunk: Buffer) => void (this.output = (this.output + chunk.toString()).slice(-4000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  }

  async start(...how: Parameters<Instance['launch']>): Promise<this> {
    this.launch(...how);
    await this.ready(60);
    return this;
  }

  /** Waits until it wants traffic. */
  async ready(seconds = 10): Promise<void> {
    await eventually(async () => {
      if (!this.isRunning) throw new Error(`the service stopped:\n${this.output}`);
      return (await fetch(`${this.url}/health/ready`).catch(() => undefined))?.ok;
    }, seconds);
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** kill -9, and nothing else. */
  async kill(): Promise<void> {
    this.child!.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to stop, as an orchestrator does. @returns the exit code */
  async stop(): Promise<NodeJS.Signals | number | null> {
    this.child!.kill('SIGTERM');
    return this.ended;
  }

  async discard(): Promise<void> {
    if (this.isRunning) await this.kill();
    this.home.discard();
  }
}

/** Places for several processes of one service: one database, one key ring, one public URL. */
export async function instancesOf(count: number, settings: Record<string, string>): Promise<Instance[]> {
  const first = await productionHome(settings);
  const { DATABASE_URL, SIGNING_KEYS, PUBLIC_URL } = first.env;
  const instances = [new Instance(first)];
  while (instances.length < count) {
    const more = { ...settings, DATABASE_URL: DATABASE_URL!, SIGNING_KEYS: SIGNING_KEYS!, PUBLIC_URL: PUBLIC_URL! };
    instances.push(new Instance(await productionHome(more)));
  }
  return instances;
}
