import { checkDatabase } from '../doctor/database.js';
import { checkDkim } from '../doctor/dkim.js';
import { fail, type Finding, type Findings } from '../doctor/finding.js';
import { checkRelays } from '../doctor/relays.js';
import { checkNode, checkPublicUrl, checkSettings, checkTemplates } from '../doctor/settings.js';
import { checkSigningKeys } from '../doctor/signing-keys.js';
import { Failure, hush, reasonOf } from '../failure.js';
import { count, print, printJson } from '../output.js';

/** THE CHECKS, in the order of their lines. */
const CHECKS: readonly [name: string, run: () => Findings][] = [
  ['node', checkNode],
  ['settings', checkSettings],
  ['public url', checkPublicUrl],
  ['signing keys', checkSigningKeys],
  ['templates', checkTemplates],
  ['database', checkDatabase],
  ['mail', checkRelays],
  ['dkim', checkDkim],
];

/** Prints a line per finding as it is made. @throws Failure if anything failed */
export async function examine({ json }: { json?: true }): Promise<void> {
  const found: Finding[] = [];
  for await (const finding of findings()) {
    found.push(finding);
    if (!json) print(`${finding.result.padEnd(4)}  ${finding.check.padEnd(13)}  ${finding.detail}`);
  }
  if (json) printJson(found);
  const failed = found.filter(({ result }) => result === 'FAIL').length;
  const doubtful = found.filter(({ result }) => result === 'warn').length;
  if (failed > 0) throw new Failure(`${count(failed, 'check')} failed.`);
  if (!json) print(doubtful > 0 ? `\nNothing failed; ${count(doubtful, 'warning')}.` : '\nAll is well.');
}

async function* findings(): AsyncIterable<Finding> {
  for (const [name, check] of CHECKS) {
    try {
      for await (const finding of check()) yield { ...finding, detail: hush(finding.detail) };
    } catch (error) {
      // What it needed is not readable, which the settings' own check has told.
      if (!(error instanceof Failure)) yield fail(name, hush(reasonOf(error)));
    }
  }
}
