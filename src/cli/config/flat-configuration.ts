import { OptionsError } from '../options/check.ts'
import { type ConfigurationLayer, fileLayer, presetLayer } from './layers.ts'
import { describeProblem } from './problem.ts'

/** Dotted option names, such as `metrics.port`, with their values. */
export type FlatConfiguration = Record<string, unknown>

/** A YAML file (JSON is YAML too), for what does not need to know all options. @throws {OptionsError} CONFIG_UNREADABLE */
export function readConfigurationFile(path: string): FlatConfiguration {
  return flat(fileLayer(path, undefined))
}

/**
 * The values that all nodes of one network share: a name of NETWORK_PRESETS, or a path to a file of one's own.
 * @throws {OptionsError} PRESET_UNREADABLE
 */
export function readNetworkPreset(network: string): FlatConfiguration {
  return flat(presetLayer(network, undefined))
}

function flat(layer: ConfigurationLayer): FlatConfiguration {
  refuseProblems(layer)
  return Object.fromEntries([...layer.values].map(([name, { value }]) => [name, value]))
}

/** @throws {OptionsError} Of the first problem */
export function refuseProblems({ problems }: Pick<ConfigurationLayer, 'problems'>): void {
  const [problem] = problems
  if (problem !== undefined) throw new OptionsError(problem.code, describeProblem(problem))
}
