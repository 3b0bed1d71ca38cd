import type { Command } from 'commander';

export function addTemplates(program: Command): void {
  program
    .command('templates')
    .description('the purposes, their mails and their pages')
    .command('lint')
    .description('check purposes, mails and pages; print every fault')
    .option('--strict', 'a missing translation is a fault, too')
    .action(async (options: { strict?: true }) => (await import('../actions/templates.js')).lint(options));
}
