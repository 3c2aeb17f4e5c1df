import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type StatusArgs, statusFlags } from '../status/options.ts'

export const statusCommand: CommandModule<object, StatusArgs> = {
  command: 'status',
  describe: 'Tell how the service node is doing, what is wrong, and what to type next',
  builder: (yargs) =>
    yargs
      .options(statusFlags)
      .example('$0 status --config /etc/starling/starling.yml', 'Look at the node; it need not run')
      .epilogue('docs/status.md has every field and every problem.')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../status/status.ts')).showStatus(args)),
}
