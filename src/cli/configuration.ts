import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { OptionsError } from './options/check.ts'

/** Dotted option names, such as `metrics.port`, with their values. */
export type FlatConfiguration = Record<string, unknown>

/** Configurations are a page or two: anything larger is the wrong file. */
const CONFIGURATION_MAX_BYTES = 256 * 1024
const NESTING_MAX = 4

export const NETWORK_PRESETS = ['mainnet', 'testnet', 'devnet'] as const
const PRESET_FOLDER = join(import.meta.dirname, '../../config')

/** A YAML file (JSON is YAML too). @throws {OptionsError} CONFIG_UNREADABLE */
export function readConfigurationFile(path: string): FlatConfiguration {
  return readFlat(path, 'CONFIG_UNREADABLE', 'configuration file')
}

/**
 * The values that all nodes of one network share: a name of NETWORK_PRESETS, or a path to a file of one's own.
 * @throws {OptionsError} PRESET_UNREADABLE
 */
export function readNetworkPreset(network: string): FlatConfiguration {
  const named = (NETWORK_PRESETS as readonly string[]).includes(network)
  return readFlat(named ? join(PRESET_FOLDER, `${network}.json`) : network, 'PRESET_UNREADABLE', 'network preset')
}

/** Refuses keys that no option has, naming the nearest one. */
export function refuseUnknownKeys(configuration: FlatConfiguration, known: readonly string[], path: string): void {
  for (const key of Object.keys(configuration)) {
    if (known.includes(key)) continue
    const sameEnding = known.find(
      (name) => name.split('.').at(-1)?.toLowerCase() === key.split('.').at(-1)?.toLowerCase(),
    )
    const hint = sameEnding === undefined ? 'See `starling run --help` for the keys' : `Did you mean ${sameEnding}?`
    throw new OptionsError('CONFIG_UNREADABLE', `${path}: there is no option ${key}. ${hint}`)
  }
}

function readFlat(path: string, code: 'CONFIG_UNREADABLE' | 'PRESET_UNREADABLE', what: string): FlatConfiguration {
  try {
    if (statSync(path).size > CONFIGURATION_MAX_BYTES)
      throw new Error(`it is larger than ${CONFIGURATION_MAX_BYTES} bytes`)
    return flatten(parse(readFileSync(path, 'utf8'), { maxAliasCount: 0, logLevel: 'error' }) ?? {})
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new OptionsError(code, `Cannot read the ${what} ${path}: ${reason}`, { cause })
  }
}

function flatten(value: unknown, prefix = '', depth = 0): FlatConfiguration {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (prefix === '') throw new Error('it is not a mapping of options')
    return { [prefix]: value }
  }
  if (depth > NESTING_MAX) throw new Error(`${prefix} is nested too deeply`)
  const flat: FlatConfiguration = {}
  for (const [key, inner] of Object.entries(value)) {
    Object.assign(flat, flatten(inner, prefix === '' ? key : `${prefix}.${key}`, depth + 1))
  }
  return flat
}
