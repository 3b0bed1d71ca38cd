import { Failure } from '../failure.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';
import { inspectTemplates } from '../template-faults.js';

export function lint(): void {
  const { purposes, letters, faults } = inspectTemplates(settingsFor(['templatesDir']).templatesDir);
  for (const fault of faults) print(fault);
  if (faults.length > 0) throw new Failure(`The templates have ${count(faults.length, 'fault')}.`);
  print(`${count(purposes, 'purpose')}, ${count(letters, 'letter')}: no fault`);
}
