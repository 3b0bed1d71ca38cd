import type { Command } from 'commander';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check the whole installation and say what to mend')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => (await import('../actions/doctor.js')).examine(options));
}
