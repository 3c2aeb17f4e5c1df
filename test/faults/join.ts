// node test/faults/join.ts [messages]: a node joins a swarm of five that holds many messages of 1 KiB. Its speed, until it calls itself complete, is held against
// that of two processes that only carry the rows and locators of the same messages from one bare LevelDB to another; and what clients' stores take
// meanwhile against what they took before.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processorSeconds } from '../../bench/processor-time.ts'
import type { DevnetNode } from '../../devnet/network.ts'
import { defaultStorageOptions } from '../../src/storage/options.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { eventually } from '../support/eventually.ts'
import { readMetrics } from '../support/node-metrics.ts'
import { fillDatabase, MESSAGE_BYTES } from './join-filling.ts'
import { percentile, type StoreTimes, storePaced } from './paced-stores.ts'
import { SKIPPED } from './skipped.ts'

const NODES = 5
const STORES_A_SECOND = 20
const IDLE_MS = 20_000
const SPEED_SHARE_MIN = 0.5
const P99_GROWTH_MAX = 2
/** Of each message on the disk, with its keys and what LevelDB has not compacted yet. */
const DISK_BYTES = 2_560
/** Members, the newcomer, and both ends of the bare transfer. */
const COPIES = NODES + 3
/** What the bare transfer carries of a message: its row and its locator. */
const RECORDS = 2
const WAIT_MAX_MS = 1_800_000

const messages = Number(process.argv[2] ?? 1_000_000)
const { bavail, bsize } = statfsSync(tmpdir())
const [freeBytes, neededBytes] = [bavail * bsize, messages * DISK_BYTES * COPIES]
if (freeBytes < neededBytes + defaultStorageOptions.freeDiskMinBytes) {
  console.error(`SKIPPED: ${neededBytes} bytes are needed in ${tmpdir()}, and ${freeBytes} are free`)
  process.exitCode = SKIPPED
} else process.exitCode = (await run()) ? 0 : 1

async function run(): Promise<boolean> {
  await using devnet = await startTestDevnet({ nodes: NODES, logLevel: 'info' })
  const bareFolder = join(devnet.folder, 'bare')
  await fillMembers(devnet.nodes, bareFolder)
  await Promise.all(devnet.nodes.map((node) => devnet.start(node)))
  await Promise.all(devnet.nodes.map(untilComparing))
  console.log(`${NODES} members hold ${messages} messages each`)

  const bareBefore = await transferBare(bareFolder)

  const operator = await devnet.createOperator(NODES + 1)
  const newcomer = await devnet.prepare(NODES + 1, operator)
  await using _runner = newcomer.runner
  const starting = devnet.start(newcomer)
  starting.catch(() => {})
  await eventually('the newcomer runs', () => readMetrics(newcomer))

  const pids = [newcomer, ...devnet.nodes].map(({ runner }) => runner.pid ?? 0)
  const idle = await during(devnet.nodes, () => usingProcessors(pids, () => delay(IDLE_MS)))
  report('idle', idle.times)
  const joining = await during(devnet.nodes, () =>
    usingProcessors(pids, async () => {
      await devnet.chain.register(operator)
      return untilJoined(newcomer)
    }),
  )
  report('joining', joining.times)
  await starting
  // Twice, since what else the machine does changes meanwhile.
  const bareAfter = await transferBare(bareFolder)

  const { seconds, held } = joining.result
  const speed = messages / seconds
  const share = speed / ((bareBefore + bareAfter) / 2)
  const growth = percentile(joining.times.ms, 0.99) / percentile(idle.times.ms, 0.99)
  console.log(
    `${messages} messages in ${seconds.toFixed(2)} s: ${speed.toFixed(0)}/s, ${((speed * MESSAGE_BYTES) / 2 ** 20).toFixed(1)} MiB/s; ` +
      `${share.toFixed(2)} of the bare transfer (at least ${SPEED_SHARE_MIN}); p99 of stores ${growth.toFixed(2)} times that of idle (below ${P99_GROWTH_MAX}); ` +
      `${held >= messages ? 'all' : `${held}`} messages are there`,
  )
  return share >= SPEED_SHARE_MIN && growth < P99_GROWTH_MAX && held >= messages
}

/** With what they keep beside messages: only the first says that all of its accounts are complete, and then it is true of each. */
async function fillMembers(nodes: readonly DevnetNode[], bareFolder: string): Promise<void> {
  const [first, ...others] = nodes
  if (first === undefined) return
  await Promise.all(nodes.map(({ runner }) => runner.stop('SIGTERM')))
  await fillDatabase(messages, databaseOf(first))
  mkdirSync(bareFolder, { recursive: true })
  for (const path of [...others.map(databaseOf), join(bareFolder, 'from')]) {
    rmSync(path, { recursive: true, force: true })
    cpSync(databaseOf(first), path, { recursive: true })
  }
}

function databaseOf({ folder }: DevnetNode): string {
  return join(folder, 'data', 'messages')
}

/** Until it has made its sums, and found others to hold the same. */
function untilComparing(node: DevnetNode): Promise<true> {
  const look = async () =>
    (await readMetrics(node)).sum('starling_swarm_comparisons_total', { outcome: 'equal' }) > 0 || undefined
  return eventually(`node ${node.index} compares`, look, WAIT_MAX_MS)
}

/** From when it was listed until it called itself complete, by its own clock. */
function untilJoined(node: DevnetNode): Promise<{ seconds: number; held: number }> {
  const look = async () => {
    const page = await readMetrics(node)
    if (page.sum('starling_swarm_joins_total') === 0) return undefined
    return {
      seconds: page.sum('starling_swarm_join_duration_seconds_sum'),
      held: page.sum('starling_storage_messages'),
    }
  }
  return eventually('the newcomer is complete', look, WAIT_MAX_MS)
}

/** Says what the newcomer and the members use of the processors meanwhile. */
async function usingProcessors<T>([newcomer = 0, ...members]: readonly number[], work: () => Promise<T>): Promise<T> {
  const used = () => [processorSeconds([newcomer]), processorSeconds(members)] as const
  const [begunMs, before] = [performance.now(), used()]
  const result = await work()
  const [own, all] = used().map((seconds, at) => (seconds - (before[at] ?? 0)).toFixed(1))
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1)
  console.log(`processor time in ${seconds} s: the newcomer ${own} s, the members together ${all} s`)
  return result
}

async function during<T>(
  members: readonly DevnetNode[],
  work: () => Promise<T>,
): Promise<{ result: T; times: StoreTimes }> {
  const stop = new AbortController()
  const storing = storePaced(members, STORES_A_SECOND, stop.signal)
  try {
    const result = await work()
    stop.abort()
    return { result, times: await storing }
  } finally {
    stop.abort()
  }
}

function report(name: string, { ms, failed }: StoreTimes): void {
  const [p50, p99] = [percentile(ms, 0.5), percentile(ms, 0.99)]
  console.log(`${name}: ${ms.length} stores, ${failed} failed, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
}

/** Messages a second. */
async function transferBare(folder: string): Promise<number> {
  const program = join(import.meta.dirname, 'bare-transfer.ts')
  const perBatch = `${defaultStorageOptions.batchRecordsMax}`
  const receiver = fork(program, ['receive', join(folder, 'certificate'), join(folder, 'to'), perBatch])
  const [port] = (await once(receiver, 'message')) as [number]
  const sender = fork(program, ['send', join(folder, 'from'), `${port}`])
  const [result] = (await once(receiver, 'message')) as [{ records: number; ms: number; seconds: number }]
  if (sender.exitCode === null) await once(sender, 'exit')
  if (receiver.exitCode === null) await once(receiver, 'exit')
  if (result.records !== RECORDS * messages)
    throw new Error(`${result.records} records of ${messages} messages were carried`)
  rmSync(join(folder, 'to'), { recursive: true })
  const speed = (1_000 * messages) / result.ms
  console.log(`bare: ${speed.toFixed(0)} messages/s, processor time of the receiver ${result.seconds.toFixed(1)} s`)
  return speed
}
