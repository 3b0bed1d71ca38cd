import type { Command } from 'commander';

export function addTemplates(program: Command): void {
  const templates = program.command('templates').description('the purposes, their mails and their pages');
  templates
    .command('lint')
    .description('check purposes, mails and pages; print every fault')
    .option('--strict', 'a missing translation is a fault, too')
    .action(async (options: { strict?: true }) => (await import('../actions/templates.js')).lint(options));
  templates
    .command('preview')
    .description('write every mail and page into a folder, to look at in a browser; not in production')
    .option('--out <folder>', 'where to', './preview')
    .action(async (options: { out: string }) => (await import('../actions/preview.js')).preview(options));
}
