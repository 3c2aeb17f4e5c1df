import { statSync } from 'node:fs'
import { environmentName } from '../environment.ts'

/** Where the package and the image have the configuration of the machine's own node. */
export const SYSTEM_CONFIGURATION = '/etc/starling/starling.yml'

/** Where a node's folders are when nothing else is said. */
export const DEFAULT_DATA_FOLDER = 'data'
export const DEFAULT_KEYS_FOLDER = 'data/keys'

/** What a command finds around it. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The file of the machine's own node, which counts when nothing says which node is meant. */
  readonly systemFile: string | undefined
}

export function surroundings(): Surroundings {
  return { environment: process.env, systemFile: SYSTEM_CONFIGURATION }
}

/** Options that say which node is meant: whoever gives one does not mean the machine's own, or says so with `--config`. */
const TELLING = ['dataFolder', 'keysFolder', 'network', 'staking.contract', 'staking.chainId'] as const

export type TellingOption = (typeof TELLING)[number]

/** The configuration file that every command takes: that of the flag, of the environment, or of the machine's own node. */
export function configurationFileOf(
  flags: Readonly<Record<string, unknown>>,
  { environment, systemFile }: Surroundings,
): string | undefined {
  const named = flags['config'] ?? environment[environmentName('config')]
  if (named !== undefined) return String(named)
  const isTold = TELLING.some((name) => (flags[name] ?? environment[environmentName(name)]) !== undefined)
  return isTold || systemFile === undefined || isAbsent(systemFile) ? undefined : systemFile
}

/** One that may not be looked at is there, and has to be told of: the node that is meant is somebody else's. */
function isAbsent(path: string): boolean {
  try {
    return !statSync(path).isFile()
  } catch (error) {
    return !(error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))
  }
}
