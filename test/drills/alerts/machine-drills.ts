import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../../devnet/network.ts'
import { eventually } from '../../support/eventually.ts'
import { readMetrics } from '../../support/node-metrics.ts'
import type { Drill } from './drill.ts'
import { environmentFile, restart } from './field.ts'

const CLOCK_NODE = 3
const SLOW_NODE = 4
const CRAMPED_NODE = 5
const RESTARTED_NODE = 2

/** Longer than what the node warns of, and shorter than what stops it. */
const CLOCK_OFF_S = 45
const RUN_MS = 40
const STOP_MS = 500
const FILES_ROOM = 4
const SEEN_AFTER_MS = 1_500

const clockFile = (folder: string) => join(folder, 'clock')

/** Puts a library between this node and the system's clock, which reads the difference from a file each time. */
export function prepareClock(folder: string): void {
  writeFileSync(clockFile(folder), '+0')
  const settings = {
    LD_PRELOAD: clockLibrary(),
    FAKETIME_TIMESTAMP_FILE: clockFile(folder),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'\n`)
  writeFileSync(environmentFile(folder, CLOCK_NODE), lines.join(''))
}

export function clockLibrary(): string | undefined {
  return globSync('/usr/lib/*/faketime/libfaketime.so.1')[0]
}

/** What happens to a process and its machine. */
export const machineDrills = [
  {
    fault: `the clock of the node is set ${CLOCK_OFF_S} s forward`,
    node: CLOCK_NODE,
    alerts: ['StarlingClockWrong'],
    async provoke({ folder }) {
      writeFileSync(clockFile(folder), `+${CLOCK_OFF_S}`)
      return undefined
    },
    async mend({ folder }) {
      writeFileSync(clockFile(folder), '+0')
    },
  },
  {
    fault: 'the process gets a thirteenth of the time',
    node: SLOW_NODE,
    alerts: ['StarlingOverloaded'],
    provoke: async (field) => slowDown(field.node(SLOW_NODE)),
    mend: async () => {},
  },
  {
    fault: 'the process is given little more memory and files than it has',
    node: CRAMPED_NODE,
    alerts: ['StarlingMemoryShort', 'StarlingFilesShort'],
    async provoke(field) {
      const node = field.node(CRAMPED_NODE)
      const metrics = await readMetrics(node)
      const openFiles = metrics.sum('starling_process_open_fds')
      limitFiles(node, openFiles + FILES_ROOM)
      return limitMemory(node, Math.ceil(metrics.sum('starling_process_resident_memory_bytes') * 1.05))
    },
    async mend(field) {
      limitFiles(field.node(CRAMPED_NODE), 4096)
    },
  },
  {
    fault: 'the process is killed and started, again and again',
    node: RESTARTED_NODE,
    alerts: ['StarlingRestarts'],
    async provoke(field) {
      const node = field.node(RESTARTED_NODE)
      let isOver = false
      const crash = async () => {
        while (!isOver) {
          await node.runner.stop('SIGKILL')
          node.runner.start()
          // Prometheus has to have seen each of them.
          await eventually('the node tells its metrics', () => readMetrics(node).catch(() => undefined))
          await delay(SEEN_AFTER_MS)
        }
      }
      const crashing = crash()
      return {
        async [Symbol.asyncDispose]() {
          isOver = true
          await crashing
        },
      }
    },
    async mend(field) {
      await restart(field, field.node(RESTARTED_NODE))
    },
  },
] as const satisfies readonly Drill[]

/** As on a machine that does other things most of the time. */
function slowDown({ runner }: DevnetNode): AsyncDisposable {
  const { pid } = runner
  if (pid === undefined) throw new Error('The node does not run')
  let isOver = false
  const alternate = async () => {
    while (!isOver) {
      process.kill(pid, 'SIGSTOP')
      await delay(STOP_MS)
      process.kill(pid, 'SIGCONT')
      await delay(RUN_MS)
    }
  }
  const alternating = alternate()
  return {
    async [Symbol.asyncDispose]() {
      isOver = true
      await alternating
    },
  }
}

function limitFiles({ runner }: DevnetNode, count: number): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(runner.pid), `--nofile=${count}:`])
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`)
}

/** Moves the process to a control group of its own with this limit; back, when it is disposed of. */
function limitMemory({ runner }: DevnetNode, bytes: number): AsyncDisposable {
  const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')
  const root = isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
  const before = readFileSync(`/proc/${runner.pid}/cgroup`, 'utf8')
  const [, home = '/'] = (isUnified ? /^0::(.*)$/m : /^\d+:memory:(.*)$/m).exec(before) ?? []
  const group = join(root, `starling-drill-${runner.pid}`)
  mkdirSync(group)
  writeFileSync(join(group, isUnified ? 'memory.max' : 'memory.limit_in_bytes'), String(bytes))
  writeFileSync(join(group, 'cgroup.procs'), String(runner.pid))
  return {
    async [Symbol.asyncDispose]() {
      writeFileSync(join(root, home, 'cgroup.procs'), String(runner.pid))
      rmdirSync(group)
    },
  }
}
