import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { App } from '../../apps/app.js';
import { galleryOf } from '../../preview/gallery.js';
import { GALLERY_STYLE } from '../../preview/markup.js';
import { readTemplates } from '../../templates.js';
import { isMissing, withStores } from '../database.js';
import { Failure } from '../failure.js';
import { count, print } from '../output.js';
import { settingsFor } from '../settings-for.js';

const STYLE = `<style>${GALLERY_STYLE}</style>`;
const NOBODY: App = { id: 'default', name: 'Example', redirectUris: ['https://app.example.com/'] };

/** Writes every mail and page into a folder, with a page that leads to them: nothing needs to run to look at it. */
export async function preview({ out }: { out: string }): Promise<void> {
  const { templatesDir, databaseUrl, production } = settingsFor(['templatesDir', 'databaseUrl']);
  if (production) throw new Failure('Previews are for development; NODE_ENV is production.');
  const stored = isMissing(databaseUrl) ? [] : await withStores(({ apps: store }) => store.list());
  const apps = stored.length > 0 ? stored : [NOBODY];
  const find = async (id: string): Promise<App | undefined> => apps.find((app) => app.id === id);
  const templates = readTemplates(templatesDir, { find });
  const { faults } = templates;
  for (const { message } of faults) print(message);
  if (!templates.letters || !templates.pages)
    throw new Failure(`The templates have ${count(faults.length, 'fault')}; mend them first.`);
  const gallery = galleryOf(templates, apps, { head: STYLE, ways: [] });
  for (const { path, read } of gallery) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), await read());
  }
  print(`${count(gallery.length, 'file')}: open ${join(out, 'index.html')}`);
}
