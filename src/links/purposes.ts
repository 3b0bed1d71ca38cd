import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readPurpose, type Purpose, type PurposeFault } from './purpose.js';

/** Reads every folder under `purposes/`. @returns the purposes by name, or every fault */
export function loadPurposes(templatesDir: string): ReadonlyMap<string, Purpose> | PurposeFault[] {
  const folder = join(templatesDir, 'purposes');
  const purposes = new Map<string, Purpose>();
  const faults: PurposeFault[] = [];
  for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const file = join(folder, name, 'purpose.yaml');
    const read = existsSync(file) ? readPurpose(name, file) : [{ file, line: 1, message: 'is missing: every purpose needs its policy' }];
    if (Array.isArray(read)) faults.push(...read);
    else purposes.set(name, read);
  }
  if (purposes.size === 0 && faults.length === 0) faults.push({ file: folder, line: 1, message: 'holds no purpose; add a folder' });
  return faults.length > 0 ? faults : purposes;
}
