import type { Argv, CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import type { CreateParser } from '../completion/command-tree.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { jsonFlag } from '../keys/options.ts'

interface CompletionArgs {
  readonly shell: 'bash' | 'zsh' | 'fish'
  readonly json: boolean
}

/** It has to know all commands, so whoever knows them makes it. */
export const completionCommand = (createParser: CreateParser): CommandModule<object, CompletionArgs> => ({
  command: 'completion <shell>',
  describe: 'Print a script with which the shell completes commands and flags',
  builder: (yargs) =>
    yargs
      .positional('shell', { choices: ['bash', 'zsh', 'fish'], describe: 'For which shell', demandOption: true })
      .options({ json: jsonFlag })
      .example(
        '$0 completion bash > ~/.local/share/bash-completion/completions/starling',
        'For this user; the package brings it for all',
      )
      .epilogue(EXIT_CODES_TEXT) as Argv<CompletionArgs>,
  handler: (args) =>
    runCommand(args, async () => {
      const script = await (await import('../completion/shells.ts')).completionScript(args.shell, createParser)
      return { result: { shell: args.shell, script }, lines: [script.trimEnd()] }
    }),
})
