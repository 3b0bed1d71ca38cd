import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const GENERATOR = fileURLToPath(new URL('generator.mjs', import.meta.url));

/** The load generator's process, seen from the bench. */
export class Load {
  #child;
  #exited;

  constructor(subject, port) {
    this.#child = fork(GENERATOR, [subject.id, String(port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#exited = new Promise((done) => this.#child.once('exit', done));
  }

  /** @param {'mint' | 'redeem' | 'race'} command */
  run(command, options) {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the load generator has ended'));
      this.#child.once('exit', gone);
      this.#child.once('message', ({ result, error }) => {
        this.#child.off('exit', gone);
        if (error) reject(new Error(error));
        else resolve(result);
      });
      this.#child.send({ command, ...options });
    });
  }

  async stop() {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }
}
