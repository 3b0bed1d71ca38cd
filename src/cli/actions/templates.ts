import { readTemplates } from '../../templates.js';
import { Failure } from '../failure.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';

export function lint({ strict }: { strict?: true }): void {
  const { purposes, letters, faults, gaps } = readTemplates(settingsFor(['templatesDir']).templatesDir);
  for (const { message } of faults) print(message);
  if (strict) for (const { message } of gaps) print(message);
  const found = faults.length + (strict ? gaps.length : 0);
  if (found > 0) throw new Failure(`The templates have ${count(found, 'fault')}.`);
  const written = [...purposes.keys()].flatMap((name) => letters!.locales(name)).length;
  print(`${count(purposes.size, 'purpose')}, ${count(written, 'letter')}: no fault`);
  for (const { message } of gaps) print(`warning: ${message}`);
}
