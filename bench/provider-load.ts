import { monitorEventLoopDelay } from 'node:perf_hooks'

// What work that asks RPC providers costs this process. Node must run with --expose-gc.

/** All of it can be sent to another process. */
export interface ProviderLoad {
  readonly ms: number
  /** Requests to the provider that was asked most. */
  readonly requests: number
  /** Answers of all providers together. */
  readonly mib: number
  /** How much memory the process had more at its peak than before the work. */
  readonly peakMib: number
  /** How much of it is still in use when the work is done. */
  readonly heldMib: number
  /** The longest time for which nothing else could run. */
  readonly blockedMs: number
}

const MIB = 2 ** 20
const requests = new Map<string, number>()
let receivedBytes = 0

/** Counts all requests of this process from now on. */
export function countRequests(): void {
  const { fetch } = globalThis
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString()
    requests.set(url, (requests.get(url) ?? 0) + 1)
    const response = await fetch(input, init)
    receivedBytes += Number(response.headers.get('content-length') ?? 0)
    return response
  }
}

export async function loadOf(work: () => Promise<unknown>): Promise<ProviderLoad> {
  requests.clear()
  receivedBytes = 0
  const heapBefore = heapInUse()
  const before = process.memoryUsage.rss()
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const start = performance.now()
  await work()
  const ms = performance.now() - start
  delays.disable()
  const peak = process.resourceUsage().maxRSS * 1024
  return {
    ms,
    requests: Math.max(0, ...requests.values()),
    mib: receivedBytes / MIB,
    peakMib: Math.max(0, peak - before) / MIB,
    heldMib: Math.max(0, heapInUse() - heapBefore) / MIB,
    blockedMs: delays.max / 1e6,
  }
}

function heapInUse(): number {
  if (globalThis.gc === undefined) throw new Error('Node must run with --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
