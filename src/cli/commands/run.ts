import type { Argv, CommandModule } from 'yargs'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import {
  type FlatConfiguration,
  NETWORK_PRESETS,
  readConfigurationFile,
  readNetworkPreset,
  refuseUnknownKeys,
} from '../configuration.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { type ServiceNodeArgs, serviceNodeFlagGroups, serviceNodeFlags } from '../options/service-node.ts'

const ENVIRONMENT_PREFIX = 'STARLING'

const baseFlags = {
  config: { type: 'string', describe: 'Configuration file in YAML or JSON' },
  network: {
    type: 'string',
    describe: `Network preset: ${NETWORK_PRESETS.join(', ')}, or a file of one's own`,
    default: 'mainnet',
  },
} as const

type RunArgs = ServiceNodeArgs & { config: string | undefined; network: string }

/** Values come from, in this order: flag, environment (STARLING_METRICS__PORT), configuration file, preset, default. */
export const runCommand: CommandModule<object, RunArgs> = {
  command: 'run',
  describe: 'Run the service node until SIGTERM or SIGINT',
  builder: (parser) => {
    const flagged = Object.entries(serviceNodeFlagGroups).reduce<Argv<object>>(
      (all, [name, flags]) => all.options(flags).group(Object.keys(flags), `${name}:`),
      parser.options(baseFlags).env(ENVIRONMENT_PREFIX),
    )
    return layered(flagged)
      .example('$0 run --config /etc/starling/starling.yml', 'Run as an operator does')
      .epilogue(EXIT_CODES_TEXT) as Argv<RunArgs>
  },
  handler: async (args) => {
    const { runServiceNode } = await import('../run-service-node.ts')
    await runServiceNode(args)
  },
}

/** Adds the configuration file and the preset below flags and environment. */
function layered(parser: Argv<object>): Argv<object> {
  const { config, network } = preliminary()
  const known = [...Object.keys(serviceNodeFlags), ...Object.keys(baseFlags)]
  const file: FlatConfiguration = config === undefined ? {} : readConfigurationFile(config)
  refuseUnknownKeys(file, known, config ?? '')
  const named = network ?? file['network'] ?? baseFlags.network.default
  const preset = readNetworkPreset(String(named))
  refuseUnknownKeys(preset, known, `Preset ${named}`)
  return parser.config(file).config(preset)
}

/** Where the lower layers come from is said by the upper ones, so these two are looked at first. */
function preliminary(): { config: string | undefined; network: string | undefined } {
  const { config, network } = yargs(hideBin(process.argv))
    .env(ENVIRONMENT_PREFIX)
    .options({ config: { type: 'string' }, network: { type: 'string' } })
    .parserConfiguration({ 'dot-notation': false })
    .help(false)
    .version(false)
    .exitProcess(false)
    .parseSync()
  return { config, network }
}
