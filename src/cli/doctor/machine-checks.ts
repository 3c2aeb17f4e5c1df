import { type DurationMs, MINUTE, SECOND } from '../../base/clock.ts'
import { bytes } from '../../base/figures.ts'
import { EXIT } from '../exit-codes.ts'
import { fail, ok, skipped, warn } from '../finding.ts'
import { type DoctorCheck, fromPreflight, ofSection } from './check.ts'
import { unitDrift } from './unit-drift.ts'

// The machine and what it grants the node.

/** From here on a node warns, and from there on it refuses clients (docs/node-tests.md). */
const CLOCK_WARN_MS: DurationMs = 30 * SECOND
const CLOCK_MAX_MS: DurationMs = 2 * MINUTE
const SET_CLOCK = 'timedatectl set-ntp true, or another NTP client; a container has the clock of its machine'
const NODE_MAJOR_MIN = 24
/** Connections of clients and service nodes as configured by default, the files of the databases, and room. */
const FILES_COMFORTABLE = 8192
const FILES_NEEDED = 2048
const MEBIBYTE = 1024 ** 2
/** What a node with its default limits keeps to. */
const MEMORY_NEEDED_BYTES = 512 * MEBIBYTE

export const MACHINE_CHECKS: readonly DoctorCheck[] = [
  {
    id: 'clock-members',
    title: 'Clock, against members',
    meaning: 'The clock differs from that of most members by less than 30 s',
    exitCode: EXIT.failure,
    run: ofSection('nodeTests', ({ clock: { aheadMs, samples, isByChain } }) => {
      if (aheadMs === null) return skipped('too few members have told the time')
      const by = isByChain ? 'the newest block' : `${samples} members`
      const seen = `${(Math.abs(aheadMs) / SECOND).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} ${by}`
      if (Math.abs(aheadMs) > CLOCK_MAX_MS) return fail(seen, SET_CLOCK)
      return Math.abs(aheadMs) > CLOCK_WARN_MS ? warn(seen, SET_CLOCK) : ok(seen)
    }),
  },
  fromPreflight({
    id: 'clock',
    title: 'Clock, against the chain',
    meaning: 'The clock is not before the newest block',
    exitCode: EXIT.failure,
  }),
  {
    id: 'node-version',
    title: 'Node.js',
    meaning: 'The node runs in Node.js 24 or newer',
    exitCode: EXIT.failure,
    run({ node, machine }) {
      const running = node?.sections.node.state === 'known' ? node.sections.node.facts.nodeVersion : machine.nodeVersion
      if (Number.parseInt(running, 10) >= NODE_MAJOR_MIN) return ok(running)
      return fail(running, `Install Node.js ${NODE_MAJOR_MIN}, or the package, which brings it`)
    },
  },
  {
    id: 'open-files',
    title: 'Open files',
    meaning: 'The node may open enough files: each connection is one',
    exitCode: EXIT.failure,
    run: ofSection('node', async ({ pid }, { machine }) => {
      const limits = await machine.readText(`/proc/${pid}/limits`)
      const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(limits ?? '') ?? []
      if (limit === undefined) return skipped('the system does not tell')
      const remedy =
        'Set LimitNOFILE=65536 in the unit (systemctl edit starling), or --ulimit nofile=65536 of the container'
      if (limit === 'unlimited' || Number(limit) >= FILES_COMFORTABLE) return ok(limit)
      return Number(limit) >= FILES_NEEDED ? warn(limit, remedy) : fail(limit, remedy)
    }),
  },
  {
    id: 'memory-limit',
    title: 'Limit of memory',
    meaning: 'The node may have 512 MiB or more, and its heap less than its control group',
    exitCode: EXIT.failure,
    run: ofSection('node', ({ memory: { limitBytes, heapLimitBytes } }) => {
      if (limitBytes === null) return ok('none')
      const seen = `${bytes(limitBytes)}, of which the heap may have ${bytes(heapLimitBytes)}`
      if (limitBytes < MEMORY_NEEDED_BYTES)
        return fail(seen, 'Raise MemoryMax of the unit, or the limit of the container, to 1 GiB')
      if (heapLimitBytes <= limitBytes) return ok(seen)
      return warn(seen, 'Set NODE_OPTIONS=--max-old-space-size to two thirds of the limit, in MiB')
    }),
  },
  {
    id: 'swap',
    title: 'Swap',
    meaning: 'Nothing of the node is swapped: it would be slow, and its keys would be on the disk',
    exitCode: EXIT.failure,
    run: ofSection('node', async ({ pid }, { machine }) => {
      const status = await machine.readText(`/proc/${pid}/status`)
      const [, kibibytes] = /^VmSwap:\s+(\d+) kB/m.exec(status ?? '') ?? []
      if (kibibytes === undefined) return skipped('the system does not tell')
      if (kibibytes === '0') return ok('nothing is swapped')
      return warn(
        `${bytes(Number(kibibytes) * 1024)} are swapped`,
        'Set MemorySwapMax=0 in the unit (systemctl edit starling), or --memory-swap of the container to its --memory, and restart it',
      )
    }),
  },
  {
    id: 'core-dumps',
    title: 'Core dumps',
    meaning: 'A crash leaves no picture of memory, with the keys in it, on the disk',
    exitCode: EXIT.failure,
    run: ofSection('node', async ({ pid }, { machine }) => {
      const limits = await machine.readText(`/proc/${pid}/limits`)
      const [, limit] = /^Max core file size +(\d+|unlimited)/m.exec(limits ?? '') ?? []
      if (limit === undefined) return skipped('the system does not tell')
      return limit === '0'
        ? ok('none')
        : warn(
            `up to ${limit} bytes`,
            'Set LimitCORE=0 in the unit (systemctl edit starling), or --ulimit core=0 of the container',
          )
    }),
  },
  {
    id: 'user',
    title: 'User',
    meaning: 'The node does not run as root',
    exitCode: EXIT.failure,
    run: ofSection('node', async ({ pid }, { machine }) => {
      const status = await machine.readText(`/proc/${pid}/status`)
      const [, uid] = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? '') ?? []
      if (uid === undefined) return skipped('the system does not tell')
      return uid === '0' ? warn('root', 'Run it as a user of its own: the package and the image do') : ok(`uid ${uid}`)
    }),
  },
  {
    id: 'unit-drift',
    title: 'systemd unit',
    meaning: 'The unit that systemd runs is the one of the package, and no drop-in weakens it',
    exitCode: EXIT.failure,
    run: ({ machine }) => unitDrift(machine),
  },
]
