import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Letters } from '../mail/letters.js';
import { Faults, TemplateFault, TemplatesError } from '../mail/template-fault.js';
import { readPurpose, type AnyPurpose, type NotificationPurpose, type Purpose } from './purpose.js';

/** Reads every folder under `purposes/`. @returns the purposes by name. @throws TemplatesError with every fault */
export function loadPurposes(templatesDir: string): ReadonlyMap<string, AnyPurpose> {
  const folder = join(templatesDir, 'purposes');
  const purposes = new Map<string, AnyPurpose>();
  const faults = new Faults();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const file = join(folder, entry.name, 'purpose.yaml');
    faults.attempt(() => purposes.set(entry.name, readPurpose(entry.name, file)));
  }
  faults.throwIfAny();
  if (purposes.size === 0) throw new TemplatesError([new TemplateFault(folder, 1, 'holds no purpose; add a folder')]);
  return purposes;
}

export function linkPurposes(all: ReadonlyMap<string, AnyPurpose>): ReadonlyMap<string, Purpose> {
  return new Map([...all].flatMap(([name, purpose]) => (purpose.kind === 'link' ? [[name, purpose]] : [])));
}

export function notificationPurposes(all: ReadonlyMap<string, AnyPurpose>): ReadonlyMap<string, NotificationPurpose> {
  return new Map([...all].flatMap(([name, purpose]) => (purpose.kind === 'notification' ? [[name, purpose]] : [])));
}

/** The letters for these purposes. @throws TemplatesError with every fault */
export function lettersFor(templatesDir: string, purposes: ReadonlyMap<string, AnyPurpose>): Letters {
  const contents = [...purposes.values()].map(
    ({ name, kind, templateData }) => [name, { kind, variables: Object.keys(templateData) }] as const,
  );
  return new Letters(templatesDir, new Map(contents));
}
