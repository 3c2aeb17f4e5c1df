import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ENVIRONMENT_PREFIX, environmentName } from '../environment.ts'
import type { OptionsErrorCode } from '../options/check.ts'
import { didYouMean } from './nearest-name.ts'
import type { ConfigurationProblem, Origin, Place } from './problem.ts'
import { readYaml, type YamlEntry } from './yaml-entries.ts'

/** A value that a layer gives for an option, and where it does. */
export interface GivenValue {
  readonly value: unknown
  readonly origin: Origin
  /** Of the items of a list. */
  readonly itemOrigins?: readonly Origin[]
}

/** What one of flags, environment, file and preset gives. */
export interface ConfigurationLayer {
  readonly values: ReadonlyMap<string, GivenValue>
  readonly problems: readonly ConfigurationProblem[]
  /** False when it could not be read, so that what it would have given is unknown. */
  readonly isWhole: boolean
  /** What stands before the first fault of a file that is not whole. */
  readonly salvaged?: ReadonlyMap<string, unknown>
}

/** How a value is written, for the texts of the environment. */
export type ValueType = 'string' | 'number' | 'boolean' | 'array'

/** The options that there are, by name. */
export type KnownOptions = ReadonlyMap<string, { readonly type: ValueType }>

/** Configurations are a page or two: anything larger is the wrong file. */
export const CONFIGURATION_MAX_BYTES = 256 * 1024

export const NETWORK_PRESETS = ['mainnet', 'testnet', 'devnet'] as const
const PRESET_FOLDER = join(import.meta.dirname, '../../../config')

/** What was typed: yargs has read it, and leaves out what was not. */
export function flagLayer(flags: Readonly<Record<string, unknown>>, known: KnownOptions): ConfigurationLayer {
  const values = new Map<string, GivenValue>()
  for (const [name, { type }] of known) {
    const value = flags[name]
    if (value === undefined) continue
    values.set(name, {
      value: type === 'array' ? divided(value) : flagValue(value, type),
      origin: { layer: 'flag', flag: `--${name}` },
    })
  }
  return { values, problems: [], isWhole: true }
}

/** Variables such as STARLING_METRICS__PORT. Others that begin like them are refused. */
export function environmentLayer(
  environment: Readonly<Record<string, string | undefined>>,
  known: KnownOptions,
): ConfigurationLayer {
  const byVariable = new Map([...known.keys()].map((name) => [environmentName(name), name]))
  const values = new Map<string, GivenValue>()
  const problems: ConfigurationProblem[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith(`${ENVIRONMENT_PREFIX}_`)) continue
    const origin: Origin = { layer: 'environment', variable }
    const name = byVariable.get(variable)
    if (name === undefined) problems.push(unknownVariable(variable, [...byVariable.keys()], origin))
    else values.set(name, { value: valueOfText(text, known.get(name)?.type ?? 'string'), origin })
  }
  return { values, problems, isWhole: true }
}

/** A file in YAML or JSON. */
export function fileLayer(file: string, known: KnownOptions | undefined): ConfigurationLayer {
  return readLayer(file, 'CONFIG_UNREADABLE', `Cannot read the configuration file ${file}`, known, (place) => ({
    layer: 'file',
    file,
    ...place,
  }))
}

/** The values that all nodes of one network share: a name of NETWORK_PRESETS, or a path to a file of one's own. */
export function presetLayer(network: string, known: KnownOptions | undefined): ConfigurationLayer {
  const isNamed = (NETWORK_PRESETS as readonly string[]).includes(network)
  const file = isNamed ? join(PRESET_FOLDER, `${network}.json`) : network
  const sentence = `Cannot read the network preset ${network}`
  const layer = readLayer(file, 'PRESET_UNREADABLE', sentence, known, (place) => ({
    layer: 'preset',
    network: isNamed ? network : 'of one’s own',
    file,
    ...place,
  }))
  if (layer.isWhole || isNamed) return layer
  const hint = didYouMean(network, NETWORK_PRESETS) ?? `There are ${NETWORK_PRESETS.join(', ')}, or a file of one's own`
  return { ...layer, problems: layer.problems.map((problem) => ({ hint, ...problem })) }
}

function readLayer(
  path: string,
  code: OptionsErrorCode,
  sentence: string,
  known: KnownOptions | undefined,
  originAt: (place: Partial<Place>) => Origin,
): ConfigurationLayer {
  const text = readText(path)
  if (typeof text !== 'string') {
    const problem = { ...text, code, origin: originAt({}), reason: `${sentence}: ${text.reason}` }
    return { values: new Map(), problems: [problem], isWhole: false }
  }
  const { entries, salvaged, faults } = readYaml(text)
  const problems = faults.map(({ reason, hint, ...place }) => ({
    code,
    origin: originAt(place),
    reason,
    ...(hint === undefined ? {} : { hint }),
  }))
  const names = known === undefined ? undefined : [...known.keys()]
  const unknown = names === undefined ? [] : entries.filter(({ name }) => !names.includes(name))
  const taken = entries.filter((entry) => !unknown.includes(entry))
  return {
    values: new Map(taken.map((entry) => [entry.name, given(entry, originAt)])),
    problems: [...problems, ...unknown.map((entry) => unknownKey(entry, names ?? [], originAt(entry.keyPlace)))],
    isWhole: faults.length === 0,
    salvaged: new Map(salvaged.map(({ name, value }) => [name, value])),
  }
}

function readText(path: string): string | { readonly reason: string; readonly hint?: string } {
  try {
    if (statSync(path).size > CONFIGURATION_MAX_BYTES)
      return { reason: `it is larger than ${CONFIGURATION_MAX_BYTES} bytes`, hint: 'Is it the right file?' }
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const hint = FILE_HINTS[code]
    return { reason: FILE_REASONS[code] ?? code, ...(hint === undefined ? {} : { hint }) }
  }
}

const FILE_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

const FILE_HINTS: Readonly<Record<string, string>> = {
  EACCES: 'Run the command with sudo, as the user that the node runs as: sudo -u starling starling …',
  EISDIR: 'Name the file in it',
}

function given(entry: YamlEntry, originAt: (place: Place) => Origin): GivenValue {
  const { value, valuePlace, itemPlaces } = entry
  return { value, origin: originAt(valuePlace), itemOrigins: itemPlaces.map(originAt) }
}

function unknownKey({ name }: YamlEntry, known: readonly string[], origin: Origin): ConfigurationProblem {
  const within = known.filter((one) => one.startsWith(`${name}.`))
  const hint =
    within.length === 0
      ? unknownHint(name, known)
      : `${name} is a group: ${within.slice(0, 3).join(', ')}${within.length > 3 ? ' and others' : ''}`
  return { code: 'OPTION_UNKNOWN', origin, option: name, reason: 'is no option', hint }
}

function unknownVariable(variable: string, known: readonly string[], origin: Origin): ConfigurationProblem {
  const reason = `there is no option for ${variable}`
  return { code: 'OPTION_UNKNOWN', origin, reason, hint: unknownHint(variable, known) }
}

function unknownHint(name: string, known: readonly string[]): string {
  return didYouMean(name, known) ?? 'See docs/cli.md or `starling run --help` for those that there are'
}

function flagValue(value: unknown, type: ValueType): unknown {
  return type === 'boolean' && (value === 'true' || value === 'false') ? value === 'true' : value
}

function valueOfText(text: string, type: ValueType): unknown {
  switch (type) {
    case 'string':
      return text
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return flagValue(text, type)
    case 'array':
      return divided([text])
  }
}

/** Flags and the environment have one text for a list, so commas divide it. */
function divided(list: unknown): unknown {
  if (!Array.isArray(list)) return list
  return list.flatMap((item) => (typeof item === 'string' ? item.split(',').filter((part) => part !== '') : [item]))
}
