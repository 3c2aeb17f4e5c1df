import { type AdminClient, adminSocketPath, createAdminClient } from '../admin-client.ts'
import { type Surroundings, surroundings } from '../config/configuration-file.ts'
import { readNodeSettings, usualKeysFolder } from '../config/node-settings.ts'
import { type ConfigurationProblem, describeProblem } from '../config/problem.ts'
import { OptionsError } from '../options/check.ts'
import type { NodePlaceArgs } from './options.ts'

/** Where a node is to be found, whether it runs or not. */
export interface NodePlace {
  readonly configFile: string | undefined
  readonly dataFolder: string
  readonly keysFolder: string
}

/** With what was found out on the way. */
export interface FoundPlace extends NodePlace {
  /** Why the configuration file could be read in part only. */
  readonly problems: readonly ConfigurationProblem[]
}

/**
 * As a start would find them: flag, environment, configuration file, default.
 * @throws {OptionsError} CONFIG_UNREADABLE, when nothing tells the data folder but a file that cannot be read
 */
export function nodePlaceOf(
  args: Pick<NodePlaceArgs, 'config' | 'data-folder'> & Partial<Pick<NodePlaceArgs, 'network'>>,
  around: Surroundings = surroundings(),
): FoundPlace {
  const settings = readNodeSettings(args, around)
  const { file, problems } = settings
  const dataFolder = settings.dataFolder()
  return { configFile: file, dataFolder, keysFolder: keysFolderOf(settings, dataFolder), problems }
}

export function nodeAt({ dataFolder }: Pick<NodePlace, 'dataFolder'>): AdminClient {
  return createAdminClient({ socketPath: adminSocketPath(dataFolder) })
}

/** For people, below what a running node tells: it goes on with what it has, and could not start again. */
export function configurationNotes({ configFile, problems }: FoundPlace): readonly string[] {
  const [problem] = problems
  if (problem === undefined) return []
  return ['', `The node could not start again: ${describeProblem(problem)}`, `Next: ${validateCommand(configFile)}`]
}

export function validateCommand(configFile: string | undefined): string {
  return `starling config validate${configFile === undefined ? '' : ` --config ${configFile}`}`
}

function keysFolderOf(settings: { keysFolder(): string }, dataFolder: string): string {
  try {
    return settings.keysFolder()
  } catch (error) {
    if (error instanceof OptionsError) return usualKeysFolder(dataFolder)
    throw error
  }
}
