import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';

// Everything but the tests' own code comes from the package above.
const require = createRequire(join(process.cwd(), 'package.json'));
const circus = require('jest-circus');
const { expect } = require('expect');

/**
 * Runs Jest's tests in this process, without Jest around them: with it each mutant would cost seconds of loading, so
 * much that nobody would ever run the thousands of them. What is mutated is loaded anew for each.
 */
class InProcessRunner {
  static inject = tokens(commonTokens.options);
  #testFiles;
  #runs = 0;
  #space = (globalThis.__stryker__ ??= {});

  constructor(options) {
    this.#testFiles = options.inProcess.testFiles;
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    register('./loader.mjs', import.meta.url);
    const { run, addEventHandler, ...globals } = circus;
    Object.assign(globalThis, globals, { expect });
    addEventHandler((event) => this.#onEvent(event));
    // What a timer throws, an endless loop of them included, is a failure like any other.
    process.on('uncaughtException', (error) => this.#fail('in a timer', String(error)));
  }

  async dryRun() {
    const results = await this.#run(() => true, false);
    const failed = results.find(({ failure }) => failure !== undefined);
    if (failed) return { status: 'error', errorMessage: `${failed.id}: ${failed.failure}` };
    return {
      status: 'complete',
      mutantCoverage: this.#space.mutantCoverage,
      tests: results.map(({ id, ms }) => ({ id, name: id, timeSpentMs: ms, status: 0 })),
    };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    Object.assign(this.#space, { activeMutant: activeMutant.id, hitCount: hitLimit && 0, hitLimit });
    const results = await this.#run((id) => !testFilter || testFilter.includes(id), true);
    const killer = results.find(({ failure }) => failure !== undefined);
    if (this.#space.hitCount > hitLimit) return { status: 'timeout', reason: 'an endless loop' };
    return killer
      ? { status: 'killed', killedBy: [killer.id], failureMessage: killer.failure, nrOfTests: results.length }
      : { status: 'survived', nrOfTests: results.length };
  }

  #wanted;
  #bail;
  #results;

  async #run(wanted, bail) {
    this.#runs += 1;
    this.#wanted = wanted;
    this.#bail = bail;
    this.#results = [];
    for (const file of this.#testFiles) {
      circus.resetState();
      circus.getState().testTimeout = 20_000;
      this.#file = file;
      try {
        await import(`${pathToFileURL(file).href}?run=${this.#runs}`);
        const { unhandledErrors } = await circus.run();
        if (unhandledErrors.length > 0) this.#fail('outside of any test', unhandledErrors[0]);
      } catch (error) {
        // Some mutants cannot even be loaded.
        this.#fail('while loading', String(error));
      }
      if (bail && this.#hasFailed) break;
    }
    return this.#results;
  }

  #file;
  get #hasFailed() {
    return this.#results.some(({ failure }) => failure !== undefined);
  }

  #fail(where, failure) {
    this.#results.push({ id: `${this.#file} ${where}`, ms: 0, failure });
  }

  #idOf(test) {
    const names = [];
    for (let at = test; at.parent; at = at.parent) names.unshift(at.name);
    return `${this.#file} ${names.join(' › ')}`;
  }

  #onEvent(event) {
    switch (event.name) {
      case 'run_start':
        this.#skip(circus.getState().rootDescribeBlock, (test) => !this.#wanted(this.#idOf(test)));
        break;
      case 'test_start':
        this.#space.currentTestId = this.#idOf(event.test);
        break;
      case 'test_done': {
        const [error] = event.test.errors;
        const failure = error === undefined ? undefined : String([error].flat()[0]?.message ?? error).slice(0, 500);
        this.#results.push({ id: this.#idOf(event.test), ms: event.test.duration ?? 0, failure });
        this.#space.currentTestId = undefined;
        if (failure !== undefined && this.#bail) this.#skip(circus.getState().rootDescribeBlock, () => true);
        break;
      }
    }
  }

  #skip(block, unwanted) {
    for (const child of block.children) {
      if (child.type === 'describeBlock') this.#skip(child, unwanted);
      else if (unwanted(child)) child.mode = 'skip';
    }
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcessRunner)];
