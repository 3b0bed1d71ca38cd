import type { Command, HelpConfiguration } from 'commander';

/** The first screen lists every command, those of the groups (`apps create`) included. */
export const layOut: HelpConfiguration = {
  visibleCommands: (command) =>
    [...command.commands].flatMap((one) => (one.commands.length > 0 ? [...one.commands] : [one])),
  subcommandTerm: (command) =>
    [...path(command), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' '),
};

export const EPILOGUE = `
Examples:
  $ oncelink migrate
  $ oncelink apps create shop --redirect-uri https://shop.example/callback
  $ oncelink keys create --app shop --scopes links:mint,links:redeem
  $ oncelink mint --app shop --purpose password-reset \\
      --recipient ann@example.com --subject user_42
  $ oncelink signing-keys rotate
  $ oncelink doctor

Settings come from the environment and from .env in the current folder, as the
service reads them; the environment wins. Use the service's own DATABASE_URL: it
may keep running meanwhile.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.`;

/** @returns the words that call a command, without the program's own name */
function path(command: Command): string[] {
  return command.parent ? [...path(command.parent), command.name()] : [];
}
