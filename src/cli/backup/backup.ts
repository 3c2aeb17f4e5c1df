import { join, resolve } from 'node:path'
import { SECOND, systemClock } from '../../base/clock.ts'
import { CodedError } from '../../base/coded-error.ts'
import { wait } from '../../base/wait.ts'
import { noteBackup } from '../../node/backup-record.ts'
import { loadIdentity } from '../../node/identity.ts'
import { VERSION_TEXT } from '../../node/version.ts'
import type { JsonObject } from '../../protocol/json.ts'
import { networkIdOf } from '../../protocol/network-id.ts'
import { backUpClosedDatabase } from '../../storage/backup/closed-database.ts'
import type { AdminClient } from '../admin-client.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { nodeSettingsOf } from '../stake/chain.ts'
import { nodeAt, nodePlaceOf } from '../status/node-place.ts'
import { untilSignal } from './interruption.ts'
import type { BackupArgs } from './options.ts'
import { createProgress, megabytes, type Progress } from './progress.ts'

/** Asks the running node for a backup; makes one of a node that is stopped. */
export async function backUp(args: BackupArgs): Promise<CommandOutcome> {
  const folder = resolve(args.to)
  const { signal } = untilSignal()
  const progress = createProgress('Backed up')
  // Of a node that runs, nothing but its folder needs to be known.
  const { dataFolder } = nodePlaceOf(args)
  const node = nodeAt({ dataFolder })
  const running = await startedBy(node, folder, signal)
  const manifest = running
    ? await watched(node, progress, signal)
    : await backUpStopped(args, { folder, dataFolder }, progress, signal)
  return {
    result: { backedUp: true, folder, running, ...manifest },
    lines: [
      `Backed up ${String(manifest['messages'])} messages, ${megabytes(Number(manifest['recordsBytes']))}, ${running ? 'of the running node' : 'of the stopped node'} in ${folder}.`,
      'Keys are not in it: starling keys backup. Copy the folder to another machine.',
    ],
  }
}

/** False when no node runs. */
async function startedBy(node: AdminClient, folder: string, signal: AbortSignal): Promise<boolean> {
  try {
    await node.startBackup(folder, signal)
    return true
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NODE_NOT_RUNNING') return false
    throw error
  }
}

/** Until it is done. Whoever goes away calls it off. */
async function watched(node: AdminClient, progress: Progress, signal: AbortSignal): Promise<JsonObject> {
  try {
    for (let waitMs = SECOND / 10; ; waitMs = SECOND) {
      const { state, manifest, bytes, bytesExpected } = await node.backup(signal)
      if (state === 'done') return manifest as JsonObject
      progress({ bytes: Number(bytes), bytesExpected: Number(bytesExpected) })
      await wait(waitMs, signal)
    }
  } catch (error) {
    if (signal.aborted) await node.cancelBackup(new AbortController().signal).catch(() => {})
    throw error
  }
}

async function backUpStopped(
  args: BackupArgs,
  { folder, dataFolder }: { readonly folder: string; readonly dataFolder: string },
  onProgress: Progress,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { chainId, contract, keysFolder } = nodeSettingsOf(args)
  const { key } = await loadIdentity(keysFolder)
  const origin = { network: networkIdOf(chainId, contract), node: key, starling: VERSION_TEXT }
  const path = join(dataFolder, 'messages')
  const manifest = await backUpClosedDatabase({ clock: systemClock }, path, { folder, origin }, { signal, onProgress })
  // The backup is there, whether or not that can be noted.
  await noteBackup(dataFolder, Date.parse(manifest.createdAt)).catch(() => {})
  return { ...manifest }
}
