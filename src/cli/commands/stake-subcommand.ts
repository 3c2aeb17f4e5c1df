import type { ArgumentsCamelCase, Argv, CommandModule, Options } from 'yargs'
import { type CommandOutcome, runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { FLAG_GROUPS } from '../stake/options.ts'

/** One command below `stake`: its words, its flags, an example, and the work, which is loaded when it runs. */
export function stakeSubcommand<Args extends { readonly json: boolean }>(command: {
  readonly name: string
  readonly describe: string
  readonly flags: Readonly<Record<string, Options>>
  readonly example: readonly [line: string, meaning: string]
  readonly run: (args: ArgumentsCamelCase<Args>) => Promise<CommandOutcome>
}): CommandModule<object, Args> {
  return {
    command: command.name,
    describe: command.describe,
    builder: (yargs) =>
      Object.entries(FLAG_GROUPS)
        .reduce<Argv<object>>(
          (all, [heading, names]) =>
            all.group(
              names.filter((name) => name in command.flags),
              `${heading}:`,
            ),
          yargs.options(command.flags),
        )
        .example(`$0 stake ${command.example[0]}`, command.example[1])
        .epilogue(EXIT_CODES_TEXT) as Argv<Args>,
    handler: (args) => runCommand(args, () => command.run(args)),
  }
}
