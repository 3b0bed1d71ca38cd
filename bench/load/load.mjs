import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A load generator's process, seen from the bench. */
export class Load {
  #child;
  #exited;

  constructor(subject, port, script = 'generator.mjs') {
    const file = fileURLToPath(new URL(script, import.meta.url));
    this.#child = fork(file, [subject.id, String(port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#exited = new Promise((done) => this.#child.once('exit', done));
  }

  /** @param {'mint' | 'redeem' | 'race' | 'sample'} command */
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
