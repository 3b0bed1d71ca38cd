import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { App } from '../../apps/app.js';
import { GALLERY_STYLE, galleryPage, phonePage, samplesOf } from '../../preview/gallery.js';
import { readTemplates } from '../../templates.js';
import { isMissing, withStores } from '../database.js';
import { Failure } from '../failure.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';

const STYLE = `<style>${GALLERY_STYLE}</style>`;
const NOBODY: App = { id: 'default', name: 'Example', redirectUris: [] };

/** Writes every mail into a folder, with a page that leads to them: nothing needs to run to look at it. */
export async function preview({ out }: { out: string }): Promise<void> {
  const { templatesDir, databaseUrl, production } = settingsFor(['templatesDir', 'databaseUrl']);
  if (production) throw new Failure('Previews are for development; NODE_ENV is production.');
  const apps = isMissing(databaseUrl) ? [NOBODY] : await withStores(({ apps: store }) => store.list());
  const { purposes, letters, faults } = readTemplates(templatesDir);
  for (const { message } of faults) print(message);
  if (!letters) throw new Failure(`The templates have ${count(faults.length, 'fault')}; mend them first.`);
  const samples = samplesOf(letters, purposes.keys(), apps.length > 0 ? apps : [NOBODY]);
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), text);
  };
  for (const sample of samples) {
    write(`${sample.path}.html`, sample.html);
    write(`${sample.path}.phone.html`, phonePage(sample, STYLE));
    write(`${sample.path}.txt`, `Subject: ${sample.subject}\n\n${sample.text}`);
  }
  const messages = faults.map(({ message }) => message);
  write('index.html', galleryPage(samples, messages, STYLE));
  print(`${count(samples.length, 'mail')}: open ${join(out, 'index.html')}`);
}
