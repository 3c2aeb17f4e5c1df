import { resolve } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { readLastBackup } from '../../node/backup-record.ts'
import { readKeyFiles, wipeKeys } from '../../node/key-files.ts'
import { readRuns } from '../../node/run-history.ts'
import { SecretFileError } from '../../node/secret-file.ts'
import type { NodeStatus } from '../../node/status.ts'
import type { SettingsText } from '../../node/status-settings.ts'
import { serviceNodeKey } from '../../protocol/service-node.ts'
import { AdminClientError, NodeRefusal } from '../admin-client.ts'
import { type Configuration, readConfiguration } from '../config/configuration.ts'
import { surroundings } from '../config/configuration-file.ts'
import { type Finding, once, skipped } from '../finding.ts'
import type { StakeSettings } from '../stake/chain.ts'
import { preflightChecks } from '../stake/preflight-checks.ts'
import { type NodePlace, nodeAt, nodePlaceOf } from '../status/node-place.ts'
import type { NodePlaceArgs } from '../status/options.ts'
import type { DoctorContext } from './check.ts'
import type { Machine } from './machine.ts'

export interface ContextComponents {
  readonly clock: Clock
  readonly machine: Machine
  readonly signal: AbortSignal
}

/** Reads once what checks look at. */
export async function readContext(
  args: Pick<NodePlaceArgs, 'config' | 'network' | 'data-folder'>,
  { clock, machine, signal }: ContextComponents,
): Promise<DoctorContext> {
  const flags = { config: args.config, network: args.network, dataFolder: args['data-folder'] }
  const configuration = await readConfiguration({ flags, ...surroundings() })
  const place = placeOf(args, configuration)
  const [told, runs, lastBackupAtMs, key] = await Promise.all([
    askNode(place, signal),
    readRuns(place.dataFolder),
    readLastBackup(place.dataFolder),
    readKey(place.keysFolder),
  ])
  const run = preflightOf(configuration, place, { clock, machine, signal })
  return {
    ...{ nowMs: clock.nowMs(), place, configuration, runs, lastBackupAtMs, key, machine, signal, ...told },
    preflight: async (id) => await run(id),
  }
}

/** A configuration with problems still says where the folders are. */
function placeOf(
  args: Pick<NodePlaceArgs, 'config' | 'network' | 'data-folder'>,
  { options }: Configuration,
): NodePlace {
  const place = nodePlaceOf(args)
  if (options === undefined) return place
  const { dataFolder, keysFolder } = options.node
  return { ...place, dataFolder: resolve(dataFolder), keysFolder: resolve(keysFolder) }
}

async function askNode(
  place: NodePlace,
  signal: AbortSignal,
): Promise<{
  readonly node: NodeStatus | undefined
  readonly settings: SettingsText | undefined
  readonly lowered?: SettingsText | undefined
  readonly silence: DoctorContext['silence']
}> {
  const client = nodeAt(place)
  try {
    const node = await client.status(signal)
    const told = await client.settings(signal).catch(unlessRefused)
    return { node, settings: told?.settings, lowered: told?.lowered, silence: undefined }
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error
    if (error.code === 'NODE_OF_OTHER_USER') throw error
    const isRunning = error.code !== 'NODE_NOT_RUNNING'
    return { node: undefined, settings: undefined, silence: { isRunning, reason: error.message } }
  }
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof NodeRefusal) && !(error instanceof AdminClientError)) throw error
}

async function readKey(folder: string): Promise<string | undefined> {
  try {
    const keys = await readKeyFiles(folder)
    wipeKeys(keys)
    return serviceNodeKey(keys.ed25519.publicKey)
  } catch (error) {
    if (!(error instanceof SecretFileError)) throw error
    return undefined
  }
}

/** Those of the preflight look at a node as it is about to be staked: what they need is in the same configuration. */
export function preflightOf(
  { options, values }: Configuration,
  { dataFolder, keysFolder }: NodePlace,
  { clock, machine, signal }: ContextComponents,
): (id: string) => Promise<Finding> {
  if (options === undefined) return async () => skipped('the configuration has problems')
  const { staking, swarm, publicIp } = options.node
  const settings: StakeSettings = {
    ...{ chain: { ...staking, unlockAfterMs: swarm.unlockMs }, keysFolder, dataFolder },
    configured: (name) => values.get(name)?.value,
  }
  const checks = once(async () =>
    preflightChecks({ settings, operator: undefined, publicIp, clock, freeBytes: machine.freeBytes, signal }),
  )
  return async (id) => {
    const check = (await checks()).find((one) => one.id === id)
    return check === undefined ? skipped('there is no such check') : await check.run()
  }
}
