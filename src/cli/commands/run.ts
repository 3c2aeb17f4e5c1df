import type { CommandModule } from 'yargs'
import { requireConfiguration } from '../config/configuration.ts'
import { sourceOf, withServiceNodeFlags } from '../config/flags.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { catchHangUps } from '../hang-ups.ts'

/** Values come from, in this order: flag, environment (STARLING_METRICS__PORT), configuration file, preset, default. */
export const runCommand: CommandModule = {
  command: 'run',
  describe: 'Run the service node until SIGTERM or SIGINT',
  builder: (parser) =>
    withServiceNodeFlags(parser, 'all')
      .option('json', {
        type: 'boolean',
        describe: 'Print what keeps it from starting as one line of JSON, for scripts',
      })
      .example('$0 run --config /etc/starling/starling.yml', 'Run as an operator does')
      .epilogue(EXIT_CODES_TEXT),
  handler: async (args) => {
    // Before anything is loaded, which takes its time.
    const hangUps = catchHangUps()
    const source = sourceOf(args)
    const started = await requireConfiguration(source)
    const { runServiceNode } = await import('../run-service-node.ts')
    // Read again, it is the same file, whatever comes and goes.
    const again = { ...source, flags: { ...source.flags, config: started.file } }
    await runServiceNode(started.options, { source: again, started, hangUps })
  },
}
