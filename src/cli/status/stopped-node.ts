import { access, constants, lstat } from 'node:fs/promises'
import type { TimestampMs } from '../../base/clock.ts'
import { HOUR } from '../../base/clock.ts'
import { dateTime } from '../../base/figures.ts'
import { readLastBackup } from '../../node/backup-record.ts'
import { readKeyFiles, wipeKeys } from '../../node/key-files.ts'
import { readRuns } from '../../node/run-history.ts'
import { quoted, SecretFileError } from '../../node/secret-file.ts'
import type { RunFacts, StatusProblem } from '../../node/status.ts'
import { problem } from '../../node/status-problems.ts'
import { serviceNodeKey } from '../../protocol/service-node.ts'
import { readConfiguration } from '../config/configuration.ts'
import { surroundings } from '../config/configuration-file.ts'
import { describeProblem } from '../config/problem.ts'
import { type NodePlace, validateCommand } from './node-place.ts'
import type { NodePlaceArgs } from './options.ts'

/** What can be known of a node that does not answer, without its database. */
export interface StoppedNode {
  readonly configFile: string | null
  readonly dataFolder: string
  readonly keysFolder: string
  /** Its Ed25519 key; null when it cannot be read. */
  readonly key: string | null
  readonly lastRun: RunFacts | null
  readonly startsLastHour: number
  readonly lastBackupAtMs: TimestampMs | null
}

/** Looks at what a start would look at first, and at what earlier runs left. */
export async function readStoppedNode(
  args: Pick<NodePlaceArgs, 'config' | 'network' | 'data-folder'>,
  { configFile, dataFolder, keysFolder }: NodePlace,
  nowMs: TimestampMs,
): Promise<{ readonly stopped: StoppedNode; readonly problems: readonly StatusProblem[] }> {
  const runs = await readRuns(dataFolder)
  const [keys, folder, configuration, lastBackupAtMs] = await Promise.all([
    readKey(keysFolder, { hasRun: runs.length > 0 }),
    dataFolderProblems(dataFolder),
    configurationProblems(args),
    readLastBackup(dataFolder),
  ])
  const lastRun = runs.at(-1) ?? null
  return {
    stopped: {
      ...{ configFile: configFile ?? null, dataFolder, keysFolder, key: keys.key, lastRun },
      startsLastHour: runs.filter(({ startedAtMs }) => nowMs - startedAtMs <= HOUR).length,
      lastBackupAtMs: lastBackupAtMs ?? null,
    },
    problems: [...configuration, ...keys.problems, ...folder],
  }
}

async function readKey(
  folder: string,
  { hasRun }: { readonly hasRun: boolean },
): Promise<{ readonly key: string | null; readonly problems: readonly StatusProblem[] }> {
  try {
    const keys = await readKeyFiles(folder)
    wipeKeys(keys)
    return { key: serviceNodeKey(keys.ed25519.publicKey), problems: [] }
  } catch (error) {
    if (!(error instanceof SecretFileError)) throw error
    const next = error.code === 'SECRET_FILE_MISSING' ? keysNext({ hasRun }) : 'starling keys show'
    return { key: null, problems: [problem('KEYS_UNUSABLE', error.message, `${next} --keys-folder ${quoted(folder)}`)] }
  }
}

/** New keys are a new node: the stake of one that has run is tied to those that it had. */
function keysNext({ hasRun }: { readonly hasRun: boolean }): string {
  return hasRun ? 'starling keys restore --from node.backup' : 'starling keys create'
}

/** Anything for others, and writing for the group. */
const SHARED = 0o027

/** One that is missing is made at the first start. */
export async function dataFolderProblems(folder: string): Promise<readonly StatusProblem[]> {
  const told = (reason: string, next?: string) => [problem('DATA_FOLDER_UNUSABLE', reason, next)]
  const stats = await lstat(folder).catch(() => undefined)
  if (stats === undefined) return []
  if (!stats.isDirectory()) return told(`The data folder ${folder} is no folder`)
  const own = process.getuid?.()
  if (own !== undefined && stats.uid !== own) {
    const user = `sudo -u '#${stats.uid}' starling status`
    return told(
      `The data folder ${folder} belongs to another user, as whom the node runs, and this command should`,
      user,
    )
  }
  if ((stats.mode & SHARED) !== 0)
    return told(`Other users may use the data folder ${folder}`, `chmod 700 ${quoted(folder)}`)
  const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  return isWritable ? [] : told(`The data folder ${folder} cannot be written to`, `chmod 700 ${quoted(folder)}`)
}

async function configurationProblems(
  args: Pick<NodePlaceArgs, 'config' | 'network' | 'data-folder'>,
): Promise<readonly StatusProblem[]> {
  const flags = { config: args.config, network: args.network, dataFolder: args['data-folder'] }
  const { problems, file } = await readConfiguration({ flags, ...surroundings() })
  const next = validateCommand(file)
  return problems.map((found) => problem('CONFIG_INVALID', describeProblem(found), next))
}

/** Of a node that does not run: while it does, nobody has noted yet how it ends. */
export function lastRunProblems({ lastRun }: StoppedNode): readonly StatusProblem[] {
  if (lastRun === null || lastRun.end === 'stopped') return []
  const how = lastRun.end === null ? 'did not end orderly: it was killed or crashed' : `ended because of ${lastRun.end}`
  return [problem('RUN_BROKE_OFF', `The last run, from ${dateTime(lastRun.startedAtMs)}, ${how}`)]
}
