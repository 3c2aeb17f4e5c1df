import { join, resolve } from 'node:path'
import { networkIdOf } from '../../protocol/network-id.ts'
import { restoreBackup } from '../../storage/backup/restore-backup.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { nodeSettingsOf } from '../stake/chain.ts'
import { untilSignal } from './interruption.ts'
import type { RestoreArgs } from './options.ts'
import { createProgress, megabytes } from './progress.ts'

/** Puts the messages of a backup into a data folder that has none. */
export async function restore(args: RestoreArgs): Promise<CommandOutcome> {
  const { chainId, contract, dataFolder } = nodeSettingsOf(args)
  const from = resolve(args.from)
  const to = join(dataFolder, 'messages')
  const target = { from, to, network: networkIdOf(chainId, contract) }
  const manifest = await restoreBackup(target, { signal: untilSignal().signal, onProgress: createProgress('Restored') })
  return {
    result: { restored: true, folder: dataFolder, ...manifest },
    lines: [
      `Restored ${manifest.messages} messages, ${megabytes(manifest.recordsBytes)}, of ${manifest.createdAt} into ${dataFolder}.`,
      `They were the node ${manifest.node}'s. Start a node with this data folder, and its swarm brings it up to date.`,
    ],
  }
}
