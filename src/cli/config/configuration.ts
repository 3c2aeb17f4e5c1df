import { CodedError } from '../../base/coded-error.ts'
import type { LogOptions } from '../../node/log-options.ts'
import type { ServiceNodeOptions } from '../../node/options.ts'
import { type CheckedFlag, OptionsError, valueFault } from '../options/check.ts'
import { parseServiceNodeArgs, type ServiceNodeArgs, serviceNodeFlags } from '../options/service-node.ts'
import { baseFlags } from './base-flags.ts'
import { configurationFileOf } from './configuration-file.ts'
import {
  type ConfigurationLayer,
  environmentLayer,
  fileLayer,
  flagLayer,
  type GivenValue,
  type KnownOptions,
  presetLayer,
} from './layers.ts'
import { type ConfigurationProblem, describeProblem, type Origin } from './problem.ts'

/** What a configuration is made of, besides its files. */
export interface ConfigurationSource {
  /** Those that were typed. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file of the machine's own node, for commands that take it where nothing says which node is meant. */
  readonly systemFile?: string | undefined
}

/** What follows from flags, environment, file, preset and defaults, in this order. */
export interface Configuration {
  /** Path of the file, if there is one. */
  readonly file: string | undefined
  readonly network: string
  /** Every option that has a value, in the order of the table. */
  readonly values: ReadonlyMap<string, GivenValue>
  readonly problems: readonly ConfigurationProblem[]
  /** What a node is made with; undefined while there are problems. */
  readonly options: { readonly node: ServiceNodeOptions; readonly log: LogOptions } | undefined
}

const flags: Readonly<Record<string, CheckedFlag & { readonly default?: unknown }>> = serviceNodeFlags
const known: KnownOptions = new Map(Object.entries({ ...flags, ...baseFlags }))
/** A file is not named by itself. */
const knownInFile: KnownOptions = new Map([...known].filter(([name]) => name !== 'config'))

/** Reads and checks a configuration as a start does. It touches no network, and nothing but these files. */
export async function readConfiguration(source: ConfigurationSource): Promise<Configuration> {
  const upper = [flagLayer(source.flags, known), environmentLayer(source.environment, known)]
  const file = upper.map(({ values }) => values.get('config')).find(isGiven) ?? systemFileOf(source)
  const named = file === undefined ? [] : [namedFile(file)]
  const network = [...upper, ...named].map(({ values }) => values.get('network')).find(isGiven)
  const preset = namedPreset(network)
  const layers = [...upper, ...named, preset]
  const values = resolved(layers)
  const faults = layers.every(({ isWhole }) => isWhole) ? valueProblems(values) : valueProblems(values, 'only given')
  const problems = [...layers.flatMap((layer) => layer.problems), ...faults]
  const base = { file: textOf(file), network: textOf(network) ?? baseFlags.network.default, values }
  if (problems.length > 0) return { ...base, problems, options: undefined }
  return { ...base, ...(await agreed(values)) }
}

/**
 * The same, for those that cannot go on with problems.
 * @throws {OptionsError} CONFIG_UNREADABLE, PRESET_UNREADABLE, OPTION_INVALID; its message tells of all problems
 */
export async function requireConfiguration(
  source: ConfigurationSource,
): Promise<Configuration & { readonly options: NonNullable<Configuration['options']> }> {
  const configuration = await readConfiguration(source)
  const { options, problems } = configuration
  if (options !== undefined) return { ...configuration, options }
  throw configurationError(problems)
}

export function configurationError(problems: readonly ConfigurationProblem[]): OptionsError {
  const [first] = problems
  const lines = problems.map(describeProblem)
  const message =
    lines.length === 1 ? lines.join() : [`${lines.length} problems in the configuration`, ...lines].join('\n  ')
  return new OptionsError(first?.code ?? 'OPTION_INVALID', message, { details: { problems: problems.length } })
}

function systemFileOf({ flags: given, environment, systemFile }: ConfigurationSource): GivenValue | undefined {
  const value = configurationFileOf(given, { environment, systemFile })
  return value === undefined ? undefined : { value, origin: { layer: 'default' } }
}

function namedFile({ value, origin }: GivenValue): ConfigurationLayer {
  if (typeof value === 'string' && value !== '') return fileLayer(value, knownInFile)
  return nothing({ code: 'OPTION_INVALID', origin, option: 'config', reason: 'must be the path of one file' })
}

function namedPreset(network: GivenValue | undefined): ConfigurationLayer {
  const { value, origin } = network ?? { value: baseFlags.network.default, origin: { layer: 'default' } as const }
  if (typeof value === 'string' && value !== '') return presetLayer(value, knownInFile)
  return nothing({
    code: 'OPTION_INVALID',
    origin,
    option: 'network',
    reason: 'must be one name, or the path of a file',
  })
}

function nothing(problem: ConfigurationProblem): ConfigurationLayer {
  return { values: new Map(), problems: [problem], isWhole: false }
}

/** The first layer that gives a value has it. */
function resolved(layers: readonly ConfigurationLayer[]): ReadonlyMap<string, GivenValue> {
  const values = new Map<string, GivenValue>()
  for (const [name, flag] of Object.entries(flags)) {
    const found = layers.map((layer) => layer.values.get(name)).find(isGiven)
    if (found !== undefined) values.set(name, found)
    else if (flag.default !== undefined) values.set(name, { value: flag.default, origin: { layer: 'default' } })
  }
  return values
}

function valueProblems(
  values: ReadonlyMap<string, GivenValue>,
  which: 'all' | 'only given' = 'all',
): readonly ConfigurationProblem[] {
  return Object.entries(flags).flatMap(([name, flag]) => {
    const found = values.get(name)
    if (found === undefined && which === 'only given') return []
    const fault = valueFault(flag, found?.value)
    if (fault === undefined) return []
    const { item = -1, ...said } = fault
    const origin: Origin = found?.itemOrigins?.[item] ?? found?.origin ?? { layer: 'default' }
    const hint = found === undefined ? missingHint(name) : {}
    return [{ code: 'OPTION_INVALID' as const, option: name, origin, ...said, ...hint }]
  })
}

function missingHint(name: string): { readonly hint: string } {
  return { hint: `Give it as --${name}, or in the configuration file; \`starling init\` writes one` }
}

/** What can be seen of the values together only, and by the parts that use them. */
async function agreed(values: ReadonlyMap<string, GivenValue>): Promise<Pick<Configuration, 'options' | 'problems'>> {
  const args = Object.fromEntries([...values].map(([name, { value }]) => [name, value])) as ServiceNodeArgs
  try {
    const options = parseServiceNodeArgs(args)
    // Loads parts of the node, which what only shows help should not.
    const { agreementProblems } = await import('./agreement.ts')
    const problems = agreementProblems(options.node, values)
    return problems.length === 0 ? { options, problems } : { options: undefined, problems }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const option = Object.keys(flags).find((name) => error.message.startsWith(name))
    const reason = option === undefined ? error.message : error.message.slice(option.length + 1)
    const origin: Origin = values.get(option ?? '')?.origin ?? { layer: 'default' }
    const { hint } = error.details
    const about = { ...(option !== undefined && { option }), ...(typeof hint === 'string' && { hint }) }
    return { options: undefined, problems: [{ code: 'OPTION_INVALID', origin, ...about, reason }] }
  }
}

function isGiven(value: GivenValue | undefined): value is GivenValue {
  return value !== undefined
}

function textOf(given: GivenValue | undefined): string | undefined {
  return typeof given?.value === 'string' ? given.value : undefined
}
