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
import { ENVIRONMENT_PREFIX, environmentName } from '../environment.ts'
import { EXIT_CODES_TEXT } from '../exit-codes.ts'
import { refuseOddSwitch } from '../options/check.ts'
import {
  parseServiceNodeArgs,
  type ServiceNodeArgs,
  serviceNodeFlagGroups,
  serviceNodeFlags,
} from '../options/service-node.ts'

export const baseFlags = {
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
    return layered(flagged.coerce([...LISTS], divided))
      .example('$0 run --config /etc/starling/starling.yml', 'Run as an operator does')
      .epilogue(EXIT_CODES_TEXT) as Argv<RunArgs>
  },
  handler: async (args) => {
    const options = parseServiceNodeArgs(args)
    const { runServiceNode } = await import('../run-service-node.ts')
    await runServiceNode(options)
  },
}

const LISTS = namesOf('array')
const SWITCHES = namesOf('boolean')

function namesOf(wanted: string): readonly string[] {
  return Object.entries(serviceNodeFlags).flatMap(([name, { type }]) => (type === wanted ? [name] : []))
}

/** The environment has one value for each option, so commas divide lists. */
function divided(list: unknown): unknown {
  if (!Array.isArray(list)) return list
  return list.flatMap((item) => (typeof item === 'string' ? item.split(',').filter((part) => part !== '') : [item]))
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
  refuseOddSwitches(file, preset)
  return parser.config(file).config(preset)
}

/** yargs takes whatever is not "true" for false, silently. */
function refuseOddSwitches(...layers: readonly FlatConfiguration[]): void {
  for (const name of SWITCHES) {
    for (const layer of layers) refuseOddSwitch(name, layer[name])
    refuseOddSwitch(environmentName(name), process.env[environmentName(name)])
    for (const word of hideBin(process.argv)) {
      if (word.startsWith(`--${name}=`)) refuseOddSwitch(`--${name}`, word.slice(name.length + 3))
    }
  }
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
