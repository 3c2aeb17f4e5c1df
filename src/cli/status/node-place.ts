import { resolve } from 'node:path'
import { type AdminClient, adminSocketPath, createAdminClient } from '../admin-client.ts'
import { readConfigurationFile } from '../configuration.ts'
import { environmentName } from '../environment.ts'
import { DEFAULT_KEYS_FOLDER } from '../keys/options.ts'
import type { NodePlaceArgs } from './options.ts'

/** Where a node is to be found, whether it runs or not. */
export interface NodePlace {
  readonly configFile: string | undefined
  readonly dataFolder: string
  readonly keysFolder: string
}

const DEFAULT_DATA_FOLDER = 'data'

/**
 * As a start would find them: flag, environment, configuration file, default. A file that cannot be read is the node's trouble and not
 * this command's: what it would say is then unknown.
 */
export function nodePlaceOf(
  args: Pick<NodePlaceArgs, 'config' | 'data-folder'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): NodePlace {
  const configFile = args.config ?? environment[environmentName('config')]
  const file = configFile === undefined ? {} : readable(configFile)
  const folder = (name: 'dataFolder' | 'keysFolder', otherwise: string) => {
    const configured = environment[environmentName(name)] ?? file[name]
    return resolve(typeof configured === 'string' && configured !== '' ? configured : otherwise)
  }
  return {
    configFile: configFile === undefined ? undefined : resolve(configFile),
    dataFolder:
      args['data-folder'] === undefined ? folder('dataFolder', DEFAULT_DATA_FOLDER) : resolve(args['data-folder']),
    keysFolder: folder('keysFolder', DEFAULT_KEYS_FOLDER),
  }
}

export function nodeAt({ dataFolder }: Pick<NodePlace, 'dataFolder'>): AdminClient {
  return createAdminClient({ socketPath: adminSocketPath(dataFolder) })
}

function readable(path: string): Readonly<Record<string, unknown>> {
  try {
    return readConfigurationFile(path)
  } catch {
    return {}
  }
}
