import type { Argv, CommandModule } from 'yargs'
import { runCommand } from '../command-outcome.ts'
import { sourceOf, withServiceNodeFlags } from '../config/flags.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { jsonFlag } from '../keys/options.ts'

interface ConfigArgs {
  readonly json: boolean
}

interface ShowArgs extends ConfigArgs {
  readonly origin: boolean
}

const ALL_FLAGS = 'Takes every flag of `starling run`, too, as it would count there.'

const validateCommand: CommandModule<object, ConfigArgs> = {
  command: 'validate',
  describe: 'Check the configuration as a start does, and name every problem with its line and what mends it',
  builder: (yargs) =>
    withServiceNodeFlags(yargs, [])
      .options({ json: jsonFlag })
      .example('$0 config validate --config /etc/starling/starling.yml', 'Before a restart or a reload')
      .epilogue(ALL_FLAGS)
      .epilogue(EXIT_CODES_TEXT) as Argv<ConfigArgs>,
  handler: (args) =>
    runCommand(args, async () => (await import('../config/validate.ts')).validateConfiguration(sourceOf({ ...args }))),
}

const showCommand: CommandModule<object, ShowArgs> = {
  command: 'show',
  describe: 'Show the value of every option; secrets are masked',
  builder: (yargs) =>
    withServiceNodeFlags(yargs, [])
      .options({
        origin: { type: 'boolean', describe: 'With where each value comes from', default: false },
        json: jsonFlag,
      })
      .example('$0 config show --origin --config /etc/starling/starling.yml', 'Which file and line each value is from')
      .epilogue(ALL_FLAGS)
      .epilogue(EXIT_CODES_TEXT) as Argv<ShowArgs>,
  handler: (args) =>
    runCommand(args, async () => (await import('../config/show.ts')).showConfiguration(sourceOf({ ...args }), args)),
}

export const configCommand: CommandModule = {
  command: 'config <command>',
  describe: "The service node's configuration",
  builder: (yargs) =>
    yargs
      .command(validateCommand)
      .command(showCommand)
      .demandCommand(1)
      .strict()
      .example('$0 config validate --config /etc/starling/starling.yml', 'Check it')
      .epilogue(EXIT_CODES_TEXT),
  handler: () => {},
}
