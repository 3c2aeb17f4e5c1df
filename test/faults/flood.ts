// node test/faults/flood.ts [SECONDS] [NAME ...]: one node of a small network, in a memory cgroup of 512 MiB, is flooded from some two hundred addresses with
// connections, requests, rubbish, oversized and slow traffic at all its ports, while honest clients store and retrieve through it. It must live, stay
// below 400 MiB, serve the honest, and be as before soon after. The names are words of attacks; without any, all of them run. Linux; as root for the cgroup.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../devnet/free-port.ts'
import type { DevnetNode } from '../../devnet/network.ts'
import { callNode } from '../../devnet/node-request.ts'
import type { NodeHome } from '../../devnet/options.ts'
import { toHex } from '../../src/base/bytes.ts'
import { accountFromSeed, generateAccountSeed, storeRequest } from '../../src/client/index.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { type MetricsPage, readMetrics, readReadiness } from '../support/node-metrics.ts'
import { ATTACKS, type AttackCount, type FloodTarget } from './flood-attacks.ts'
import { HonestClient, type Outcome } from './flood-clients.ts'
import { createMemoryCgroup, type MemoryCgroup } from './memory-cgroup.ts'
import { ProcessSamples } from './process-samples.ts'
import { SKIPPED } from './skipped.ts'

const MEBIBYTE = 1024 * 1024
const MEMORY_MAX_BYTES = 512 * MEBIBYTE
const RSS_MAX_BYTES = 400 * MEBIBYTE
const SERVED_MIN = 0.95
const RECOVERY_MAX_MS = 60_000
const SECONDS = 60
const NODES = 4
const TARGET = 2
const HONEST_CLIENTS = 12
const ATTACKERS = 3
/** How long the honest are alone before the flood. */
const CALM_MS = 5_000
/** What is held by the account whose answers nobody reads. */
const LARGE_MESSAGES = 40
const LARGE_BYTES = 70_000
const ATTACKER_ACCOUNTS = 8

const words = process.argv.slice(2)
const seconds = Number(words[0] ?? SECONDS) || SECONDS
const wanted = words.slice(Number(words[0]) ? 1 : 0)

using cgroup = createMemoryCgroup(`starling-flood-${process.pid}`, MEMORY_MAX_BYTES)
if (cgroup === undefined) console.error('SKIPPED: no memory cgroup can be made here; only RSS is measured')
const isGood = await flood(cgroup)
process.exitCode = !isGood ? 1 : cgroup === undefined ? SKIPPED : 0

async function flood(memory: MemoryCgroup | undefined): Promise<boolean> {
  const homes = await Promise.all(Array.from({ length: NODES }, (_, at) => homeOf(at + 1, memory)))
  await using devnet = await startTestDevnet({ nodes: NODES, homeOf: (index) => homes[index - 1] as NodeHome })
  const node = devnet.nodes[TARGET - 1] as DevnetNode
  const pid = node.runner.pid as number
  const accountSeeds = await fill(node)
  const stop = new AbortController()
  const clients = Array.from({ length: HONEST_CLIENTS }, (_, at) => new HonestClient(node, `127.60.${at}.9`))
  const running = clients.map((client) => client.run(stop.signal))
  const samples = new ProcessSamples(pid)

  await delay(CALM_MS)
  const before = await readMetrics(node)
  const calm = samples.take()
  const startMs = performance.now()
  const attackerEnd = new AbortController()
  const attacker = attack({ ip: node.ip, httpsPort: node.httpsPort, peerPort: peerPortOf(node), accountSeeds })
  const watching = watch(node, attackerEnd.signal)
  const counts = await attacker
  attackerEnd.abort()
  const peaks = await watching
  const endMs = performance.now()
  const during = samples.take()
  const after = await readMetrics(node)
  const recoveryMs = await recovered(node, clients, before)
  await delay(2_000)
  const calmAgain = samples.take()
  stop.abort()
  await Promise.all(running)
  samples[Symbol.dispose]()

  const outcomes = clients.flatMap((client) => client.outcomes)
  const flooded = outcomes.filter(({ atMs }) => atMs >= startMs && atMs < endMs)
  const served = flooded.filter(({ failure }) => failure === undefined)
  const share = served.length / flooded.length
  const alive = node.runner.running && node.runner.pid === pid
  const kills = memory?.kills() ?? 0

  for (const { name, tries } of counts) console.log(`${String(tries).padStart(8)} times  ${name}`)
  for (const reason of reasonsOf(after))
    console.log(`${grown(before, after, reason).padStart(8)} refused for ${reason}`)
  for (const [failure, count] of failuresOf(flooded))
    console.log(`${String(count).padStart(8)} honest failures: ${failure}`)
  const rows: readonly (readonly [string, string, string, boolean])[] = [
    ['the process', alive ? 'lives' : 'is gone', 'lives', alive],
    ['killed by the kernel', String(kills), '0', kills === 0],
    ['RSS at rest before', mib(calm.maxBytes), '', true],
    ['RSS during the flood', mib(during.maxBytes), `at most ${mib(RSS_MAX_BYTES)}`, during.maxBytes <= RSS_MAX_BYTES],
    ['of it: heap, buffers', `${mib(peaks.heapBytes)}, ${mib(peaks.externalBytes)} at most`, '', true],
    ['connections, requests', `${peaks.connections}, ${peaks.inFlight} at most`, '', true],
    ['RSS after', mib(calmAgain.lastBytes), '', true],
    ['processor of the node', `${Math.round((100 * during.cpuS) / during.seconds)} %`, '', true],
    [
      'honest requests served',
      `${(100 * share).toFixed(1)} % of ${flooded.length}`,
      `at least ${100 * SERVED_MIN} %`,
      share >= SERVED_MIN,
    ],
    ['their time', `p50 ${percentile(served, 0.5)} ms, p99 ${percentile(served, 0.99)} ms`, '', true],
    [
      'as before after',
      recoveryMs === undefined ? 'never' : `${(recoveryMs / 1000).toFixed(1)} s`,
      `${RECOVERY_MAX_MS / 1000} s`,
      recoveryMs !== undefined,
    ],
  ]
  for (const [what, is, allowed, holds] of rows) {
    console.log(`${holds ? 'good' : 'BAD '}  ${what.padEnd(24)} ${is.padEnd(28)} ${allowed}`)
  }
  if (!alive) console.log(node.runner.logTail())
  return rows.every(([, , , holds]) => holds)
}

async function homeOf(index: number, memory: MemoryCgroup | undefined): Promise<NodeHome> {
  const ip = `127.0.${index}.1`
  const ports = (await freePorts(ip, 3)) as [number, number, number]
  return { ip, ports, command: index === TARGET && memory !== undefined ? memory.command : [] }
}

/** Gives the attacker accounts, one with a full inbox. */
async function fill(node: DevnetNode): Promise<readonly string[]> {
  const seeds = Array.from({ length: ATTACKER_ACCOUNTS }, () => generateAccountSeed())
  const { id } = accountFromSeed(seeds[0] as (typeof seeds)[number])
  for (let at = 0; at < LARGE_MESSAGES; at++) {
    const message = {
      account: id,
      namespace: 0,
      data: Buffer.alloc(LARGE_BYTES, at),
      timestampMs: Date.now(),
      ttlMs: 3_600_000,
    }
    const { method, params } = storeRequest(message, undefined)
    const { status, body } = await callNode(node, method, params)
    if (status !== 200) throw new Error(`A store is answered ${status}: ${JSON.stringify(body)}`)
  }
  return seeds.map((seed) => (typeof seed === 'string' ? seed : toHex(seed)))
}

/** In processes of their own, so that what it costs does not slow the honest, and no single one of them is what limits the flood. */
async function attack(target: FloodTarget): Promise<readonly AttackCount[]> {
  const names = ATTACKS.map(({ name }) => name).filter(
    (name) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  )
  const shares = Array.from({ length: ATTACKERS }, (_, at) => names.filter((_name, index) => index % ATTACKERS === at))
  const counts = await Promise.all(shares.filter(({ length }) => length > 0).map((share) => attackWith(target, share)))
  return counts.flat()
}

async function attackWith(target: FloodTarget, names: readonly string[]): Promise<readonly AttackCount[]> {
  const program = join(import.meta.dirname, 'flood-attacker.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(target), String(seconds), ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  await once(child, 'close')
  return JSON.parse(said) as readonly AttackCount[]
}

/** The most that the node says of itself until the signal. */
async function watch(node: DevnetNode, signal: AbortSignal) {
  const peaks = { heapBytes: 0, externalBytes: 0, connections: 0, inFlight: 0 }
  while (!signal.aborted) {
    const page = await readMetrics(node).catch(() => undefined)
    const raise = (name: keyof typeof peaks, metric: string) => {
      peaks[name] = Math.max(peaks[name], page?.sum(metric) ?? 0)
    }
    raise('heapBytes', 'starling_process_heap_used_bytes')
    raise('externalBytes', 'starling_process_external_memory_bytes')
    raise('connections', 'starling_rpc_connections')
    raise('inFlight', 'starling_rpc_requests_in_flight')
    await delay(500)
  }
  return peaks
}

/** How long it takes until the node is ready, has given its connections back, and has served each honest client three times in a row. */
async function recovered(
  node: DevnetNode,
  clients: readonly HonestClient[],
  before: MetricsPage,
): Promise<number | undefined> {
  const startMs = performance.now()
  const connections = before.sum('starling_rpc_connections') + HONEST_CLIENTS
  while (performance.now() - startMs < RECOVERY_MAX_MS) {
    const metrics = await readMetrics(node).catch(() => undefined)
    const isReady = (await readReadiness(node).catch(() => undefined))?.status === 200
    const isServed = clients.every(({ outcomes }) => {
      const last = outcomes.slice(-3)
      return last.every(({ failure, atMs }) => failure === undefined && atMs >= startMs)
    })
    if (isReady && isServed && metrics !== undefined && metrics.sum('starling_rpc_connections') <= connections) {
      return performance.now() - startMs
    }
    await delay(500)
  }
  return undefined
}

function peerPortOf({ multiaddr }: DevnetNode): number {
  return Number(multiaddr.split('/')[4])
}

function reasonsOf({ text }: MetricsPage): readonly string[] {
  return [...text.matchAll(/^starling_rpc_rejected_total\{reason="([a-z_]+)"\}/gm)].map(([, reason = '']) => reason)
}

function grown(before: MetricsPage, after: MetricsPage, reason: string): string {
  const at = (page: MetricsPage) => page.sum('starling_rpc_rejected_total', { reason })
  return String(at(after) - at(before))
}

function failuresOf(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { failure } of outcomes) if (failure !== undefined) counts.set(failure, (counts.get(failure) ?? 0) + 1)
  return counts
}

function percentile(outcomes: readonly Outcome[], share: number): string {
  const sorted = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(0)
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`
}
