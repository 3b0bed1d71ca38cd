import { join } from 'node:path';
import type { Render, TemplateEngine } from '../mail/template-engine.js';
import type { Faults } from '../mail/template-fault.js';

const PAGE = ['locale', 'dir', 'app.name', 'words.title', 'words.heading', 'words.text'];
/** What each may speak of. */
const VARIABLES = {
  confirm: [
    ...PAGE,
    'words.button',
    'words.note',
    'action',
    'nonce',
    'button',
    'otherBrowser',
    'fault',
    'code',
    'code.label',
    'code.hint',
    'code.button',
    'code.typed',
  ],
  message: [
    ...PAGE,
    'link',
    'link.href',
    'link.label',
    'tone',
    'renewal',
    'renewal.action',
    'renewal.nonce',
    'renewal.button',
  ],
  report: [...PAGE, 'action', 'nonce', 'label', 'button', 'note', 'fault', 'typed'],
};
type Template = keyof typeof VARIABLES;

/** The templates of the pages. Their faults are noted; with any, they are not to be used. */
export function pageTemplates(folder: string, engine: TemplateEngine, faults: Faults): Record<Template, Render> {
  const compile = ([name, known]: [string, string[]]): [string, Render] => [
    name,
    faults.attempt(() => engine.compileFile(join(folder, `${name}.html.hbs`), new Set(known)))!,
  ];
  return Object.fromEntries(Object.entries(VARIABLES).map(compile)) as Record<Template, Render>;
}
