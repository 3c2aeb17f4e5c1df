import { join, resolve } from 'node:path'
import {
  configurationFileOf,
  DEFAULT_DATA_FOLDER,
  DEFAULT_KEYS_FOLDER,
  type Surroundings,
  surroundings,
} from './configuration-file.ts'
import { refuseProblems } from './flat-configuration.ts'
import { type ConfigurationLayer, environmentLayer, fileLayer, type KnownOptions, presetLayer } from './layers.ts'
import type { ConfigurationProblem } from './problem.ts'

/** What the flags of a command say of the node that is meant. */
export interface NodeFlags {
  readonly config?: string | undefined
  readonly network?: string | undefined
  readonly 'data-folder'?: string | undefined
  readonly 'keys-folder'?: string | undefined
  readonly contract?: string | undefined
  readonly 'chain-id'?: number | undefined
}

/** What commands that look at a node, or act for it, read of its configuration: as much as is needed, not all of it. */
export interface NodeSettings {
  /** The whole path of the configuration file, if there is one. */
  readonly file: string | undefined
  /** What is wrong with that file, so far as its form goes. */
  readonly problems: readonly ConfigurationProblem[]
  /** Of flag, environment, file and preset, in this order. */
  value(option: string): unknown
  /** @throws {OptionsError} CONFIG_UNREADABLE, when the file would have to tell it and cannot be read */
  dataFolder(): string
  /** @throws {OptionsError} CONFIG_UNREADABLE, likewise */
  keysFolder(): string
  /** @throws {OptionsError} CONFIG_UNREADABLE, PRESET_UNREADABLE */
  requireReadable(): void
}

/** Those that are read here, with how they are written in the environment. */
const READ: KnownOptions = new Map(
  Object.entries({
    network: { type: 'string' },
    dataFolder: { type: 'string' },
    keysFolder: { type: 'string' },
    publicIp: { type: 'string' },
    'staking.chainId': { type: 'number' },
    'staking.contract': { type: 'string' },
    'staking.contributionFactory': { type: 'string' },
    'staking.rpcUrls': { type: 'array' },
    'swarm.unlockDays': { type: 'number' },
    'rpc.port': { type: 'number' },
    'network.port': { type: 'number' },
    'network.allowPrivateAddresses': { type: 'boolean' },
  } as const),
)

const NOTHING: ConfigurationLayer = { values: new Map(), problems: [], isWhole: true }

/** The one way in which commands find a node and its settings. */
export function readNodeSettings(args: NodeFlags, around: Surroundings = surroundings()): NodeSettings {
  const flags = optionsOf(args)
  const path = configurationFileOf(flags, around)
  const environment = environmentLayer(around.environment, READ).values
  const file = path === undefined ? NOTHING : fileLayer(path, undefined)
  const upper = (name: string) =>
    flags[name] ?? environment.get(name)?.value ?? file.values.get(name)?.value ?? file.salvaged?.get(name)
  let read: ConfigurationLayer | undefined
  const preset = () => {
    const network = upper('network')
    read ??= network === undefined ? NOTHING : presetLayer(String(network), undefined)
    return read
  }
  const value = (name: string) => upper(name) ?? preset().values.get(name)?.value
  const folder = (name: 'dataFolder' | 'keysFolder', otherwise: string) => {
    const found = value(name)
    if (typeof found === 'string' && found !== '') return resolve(found)
    // What cannot be read may say it: another folder would be another node.
    if (!file.isWhole) refuseProblems(file)
    return resolve(otherwise)
  }
  return {
    file: path === undefined ? undefined : resolve(path),
    problems: file.problems,
    value,
    dataFolder: () => folder('dataFolder', DEFAULT_DATA_FOLDER),
    keysFolder: () => folder('keysFolder', DEFAULT_KEYS_FOLDER),
    requireReadable() {
      refuseProblems(file)
      refuseProblems(preset())
    },
  }
}

/** By the names that the configuration has for them. */
function optionsOf(args: NodeFlags): Readonly<Record<string, unknown>> {
  return {
    ...{ config: args.config, network: args.network },
    ...{ dataFolder: args['data-folder'], keysFolder: args['keys-folder'] },
    ...{ 'staking.contract': args.contract, 'staking.chainId': args['chain-id'] },
  }
}

/** Where `starling init` puts keys, for a node of whose configuration no more than the data folder can be read. */
export function usualKeysFolder(dataFolder: string): string {
  return join(dataFolder, 'keys')
}
