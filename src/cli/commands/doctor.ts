import type { CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { type DoctorArgs, doctorFlags } from '../doctor/options.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'

export const doctorCommand: CommandModule<object, DoctorArgs> = {
  command: 'doctor',
  describe: 'Check the service node, its machine, its chain and its network, and tell what mends what is wrong',
  builder: (yargs) =>
    yargs
      .options(doctorFlags)
      .example(
        '$0 doctor --config /etc/starling/starling.yml',
        'Look for everything that can be wrong; it need not run',
      )
      .epilogue('docs/doctor.md has every check.')
      .epilogue(EXIT_CODES_TEXT),
  handler: (args) => runCommand(args, async () => (await import('../doctor/doctor.ts')).examine(args)),
}
