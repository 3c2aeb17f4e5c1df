import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../../devnet/network.ts'
import { storeAnew } from '../../support/store-anew.ts'
import { repeatedly } from '../repeatedly.ts'
import type { Drill } from './drill.ts'
import { allBut, type Field, holdStill, reconfigure, restart } from './field.ts'

const SMALL_NODE = 7
const SLOW_NODE = 6
const MIB = 1024 * 1024
const BOUND_BYTES = 3 * MIB
const DATA_BYTES = 4096
const STORE_EVERY_MS = 60
const FLUSH_DELAY_US = 700_000

/** What happens to messages on disk. */
export const storageDrills = [
  {
    fault: 'messages fill the node up to its bound, and go on coming',
    node: SMALL_NODE,
    alerts: ['StarlingStorageFilling', 'StarlingStorageShort', 'StarlingStorageFull', 'StarlingContentsDiffer'],
    async provoke(field) {
      const node = field.node(SMALL_NODE)
      reconfigure(node, { 'storage.totalBytesMax': BOUND_BYTES })
      await restart(field, node)
      return storeAllTheTime(node)
    },
    mend: makeRoom,
  },
  {
    fault: 'the node is full, and all others of its swarm hang',
    node: SMALL_NODE,
    alerts: ['StarlingRequestsFail'],
    async provoke(field) {
      const node = field.node(SMALL_NODE)
      reconfigure(node, { 'storage.totalBytesMax': 1 })
      await restart(field, node)
      const stack = new AsyncDisposableStack()
      stack.use(holdStill(allBut(field, node)))
      stack.use(storeAllTheTime(node))
      return stack
    },
    mend: makeRoom,
  },
  {
    fault: 'each flush of the disk takes 0.7 s',
    node: SLOW_NODE,
    alerts: ['StarlingDiskSlow'],
    async provoke(field) {
      const node = field.node(SLOW_NODE)
      const stack = new AsyncDisposableStack()
      stack.use(await slowDisk(node))
      stack.use(storeAllTheTime(node))
      return stack
    },
    mend: async () => {},
  },
] as const satisfies readonly Drill[]

export function hasTracer(): boolean {
  return spawnSync('strace', ['-V']).status === 0
}

function storeAllTheTime(node: DevnetNode): AsyncDisposable {
  return repeatedly(3, () => {
    const stored = storeAnew(node, randomBytes(DATA_BYTES)).catch(() => {})
    return Promise.all([stored, delay(STORE_EVERY_MS)])
  })
}

/** Enough for all that comes, from its next start. */
async function makeRoom(field: Field): Promise<void> {
  const node = field.node(SMALL_NODE)
  reconfigure(node, { 'storage.totalBytesMax': 1024 * MIB })
  await restart(field, node)
}

async function slowDisk({ runner }: DevnetNode): Promise<AsyncDisposable> {
  const calls = 'fsync,fdatasync'
  const tracer: ChildProcess = spawn(
    'strace',
    [
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      `trace=${calls}`,
      '-e',
      `inject=${calls}:delay_exit=${FLUSH_DELAY_US}`,
    ].concat('-p', String(runner.pid)),
    { stdio: 'inherit' },
  )
  await once(tracer, 'spawn')
  return {
    async [Symbol.asyncDispose]() {
      const ended = once(tracer, 'exit')
      tracer.kill('SIGINT')
      await ended
    },
  }
}
