import type { Command } from 'commander';

export function addTemplates(program: Command): void {
  program
    .command('templates')
    .description('the purposes, their mails and their pages')
    .command('lint')
    .description('check purposes, mails and pages; print every fault')
    .action(async () => (await import('../actions/templates.js')).lint());
}
