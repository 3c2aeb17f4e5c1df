import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../../devnet/network.ts'
import { callNode } from '../../../devnet/node-request.ts'
import { storeRequest } from '../../../src/client/index.ts'
import { newAccount } from '../../support/people.ts'
import type { Drill } from './drill.ts'
import { allBut, holdStill, reconfigure, restart } from './field.ts'

const SMALL_NODE = 7
const SLOW_NODE = 6
const MIB = 1024 * 1024
const BOUND_BYTES = 3 * MIB
const TTL_MS = 3_600_000
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
    async mend(field) {
      const node = field.node(SMALL_NODE)
      reconfigure(node, { 'storage.totalBytesMax': 1024 * MIB })
      await restart(field, node)
    },
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
    async mend(field) {
      const node = field.node(SMALL_NODE)
      reconfigure(node, { 'storage.totalBytesMax': 1024 * MIB })
      await restart(field, node)
    },
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

/** Each message to an account of its own: what one account may have is not what is tried here. */
function storeAllTheTime(node: DevnetNode): AsyncDisposable {
  const stop = new AbortController()
  const store = async () => {
    while (!stop.signal.aborted) {
      const message = {
        account: newAccount().id,
        namespace: 0,
        data: randomBytes(DATA_BYTES),
        timestampMs: Date.now(),
        ttlMs: TTL_MS,
      }
      const { method, params } = storeRequest(message, undefined)
      await Promise.all([callNode(node, method, params).catch(() => {}), delay(STORE_EVERY_MS)])
    }
  }
  const storing = Promise.all([store(), store(), store()])
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await storing
    },
  }
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
