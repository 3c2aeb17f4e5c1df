import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type TopArgs, topFlags } from '../top/options.ts'

export const topCommand: CommandModule<object, TopArgs> = {
  command: 'top',
  describe: 'Watch the running service node in this terminal, with its traffic of the last hour',
  builder: (yargs) =>
    yargs
      .options(topFlags)
      .example('$0 top --config /etc/starling/starling.yml', 'Watch until q or Ctrl-C')
      .example('$0 top --once', 'One look, for a report')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../top/top.ts')).watchNode(args), { isLive: true }),
}
