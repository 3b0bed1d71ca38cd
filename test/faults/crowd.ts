import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { API_KEY } from '../support/service.js';

const SCRIPT = fileURLToPath(new URL('./callers.mjs', import.meta.url));

export interface Asked {
  /** answers by status, or by what broke the connection */
  readonly statuses: Readonly<Record<string, number>>;
  /** requests and good answers in a second */
  readonly asked: number;
  readonly good: number;
  /** ms until half of those, and 99 in 100, who were refused had been told; null if nobody was */
  readonly toldIn: Readonly<Record<'half' | 'most', number | null>>;
}

/** Callers who all come from one process beside this one. */
export class Crowd {
  private readonly process: ChildProcess;

  constructor(url: string) {
    this.process = fork(SCRIPT, { env: { PORT: new URL(url).port, API_KEY }, execArgv: [] });
  }

  /** @param pause from one request of a caller to its next, in ms; whoever is answered later asks at once */
  ask(wanted: { callers: number; seconds: number; pause: number }): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the crowd has left'));
      this.process.once('exit', gone);
      this.process.once('message', (result) => {
        this.process.off('exit', gone);
        resolve(result as Asked);
      });
      this.process.send(wanted);
    });
  }

  async leave(): Promise<void> {
    if (!this.process.connected) return;
    const left = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.disconnect();
    await left;
  }
}
