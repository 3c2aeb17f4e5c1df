import { accessSync, constants } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { kindOfAddress } from '../../base/ip-address.ts'
import { SYSTEM_CONFIGURATION } from '../config/configuration-file.ts'

export interface InitArgs {
  readonly config: string | undefined
  readonly 'non-interactive': boolean
  readonly json: boolean
}

export const initFlags = {
  'non-interactive': {
    type: 'boolean',
    alias: 'yes',
    describe: 'Ask nothing: what is not given has its default, or is refused by name',
    default: false,
  },
} as const

/** The flags of `run` that answer a question, or stand beside one. What else is given is written down as well. */
export const INIT_ANSWERS = [
  'publicIp',
  'dataFolder',
  'keysFolder',
  'staking.rpcUrls',
  'staking.contract',
  'network.bootstrap',
] as const

/** Where the package has it, if this user may write there; else below the current folder. */
const SYSTEM_DATA_FOLDER = '/var/lib/starling'
const OWN_CONFIGURATION = 'starling.yml'
const OWN_DATA_FOLDER = 'data'

export function defaultConfigurationPath(): string {
  return isWritable(dirname(SYSTEM_CONFIGURATION)) ? SYSTEM_CONFIGURATION : resolve(OWN_CONFIGURATION)
}

export function defaultDataFolder(): string {
  return isWritable(SYSTEM_DATA_FOLDER) ? SYSTEM_DATA_FOLDER : resolve(OWN_DATA_FOLDER)
}

export function defaultKeysFolder(dataFolder: string): string {
  return join(dataFolder, 'keys')
}

/**
 * The address under which this machine seems to be reached: the first public one of its own, IPv4 before IPv6. Behind a router it has none,
 * and nobody is asked over the network.
 */
export function detectedPublicIp(interfaces = networkInterfaces()): string | undefined {
  const own = Object.values(interfaces)
    .flat()
    .filter((one) => one !== undefined && !one.internal && kindOfAddress(one.address) === 'public')
  return (own.find((one) => one?.family === 'IPv4') ?? own[0])?.address
}

export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
