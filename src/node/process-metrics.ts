import { readdirSync, readFileSync } from 'node:fs'
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { type DurationMs, SECOND } from '../base/clock.ts'
import type { MetricsRegister, MetricsRegistry } from '../base/metrics.ts'
import { memoryLimitBytes } from './memory-fit.ts'

/** What the collector of garbage does: soon for young objects, rarely for all, and in small steps in between. */
export type CollectionKind = 'minor' | 'major' | 'incremental' | 'weak-callbacks'

const COLLECTION_KINDS: Readonly<Record<number, CollectionKind>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak-callbacks',
}

/** What is observed of one collection. */
type CollectionEntry = PerformanceEntry & { readonly detail?: NodeGCPerformanceDetail }

/** Of the process, which is the node's alone but in tests. */
export function createProcessMetrics(register: MetricsRegister) {
  return {
    startTime: register.gauge({
      name: 'starling_process_start_time_seconds',
      help: 'When the process started, Unix time',
    }),
    cpu: register.counter<{ mode: 'user' | 'system' }>({
      name: 'starling_process_cpu_seconds_total',
      help: 'Processor time, of the process itself and of the system on its behalf',
      labelNames: ['mode'],
    }),
    residentMemory: register.gauge({
      name: 'starling_process_resident_memory_bytes',
      help: 'Memory of the process that is resident, mapped files included',
    }),
    memoryLimit: register.gauge({
      name: 'starling_process_memory_limit_bytes',
      help: 'Memory that there is for the process: what its control group may have, else that of the machine',
    }),
    heapUsed: register.gauge({ name: 'starling_process_heap_used_bytes', help: 'JavaScript heap in use' }),
    heapLimit: register.gauge({
      name: 'starling_process_heap_limit_bytes',
      help: 'JavaScript heap at which the process ends for want of memory',
    }),
    externalMemory: register.gauge({
      name: 'starling_process_external_memory_bytes',
      help: 'Memory outside of the heap that JavaScript objects hold, buffers mostly',
    }),
    openFiles: register.gauge({
      name: 'starling_process_open_fds',
      help: 'Open file descriptors, connections included; 0 where the system does not tell',
    }),
    openFilesMax: register.gauge({
      name: 'starling_process_max_fds',
      help: 'File descriptors that the process may open; 0 where the system does not tell',
    }),
    loopBusy: register.counter({
      name: 'starling_process_event_loop_busy_seconds_total',
      help: 'Time that the event loop was not waiting',
    }),
    loopDelay: register.histogram({
      name: 'starling_process_event_loop_delay_seconds',
      help: 'By how much timers were late, looked at twenty times a second',
      // From an idle loop to one that stands still longer than any client waits; from a quarter of a second on, requests are refused.
      buckets: [0.002, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    }),
    collections: register.histogram<{ kind: CollectionKind }>({
      name: 'starling_process_gc_seconds',
      help: 'Time that the collection of garbage took',
      labelNames: ['kind'],
      // Young objects go within a millisecond; what lasts a tenth of a second is felt by clients.
      buckets: [0.001, 0.01, 0.1, 1],
    }),
  }
}

export type ProcessMetrics = ReturnType<typeof createProcessMetrics>

/** Reads most figures when they are asked for, and counts the collections of garbage as they happen. */
export function watchProcess(metrics: ProcessMetrics, registry: Pick<MetricsRegistry, 'beforeExpose'>): Disposable {
  const stack = new DisposableStack()
  metrics.startTime.set(performance.timeOrigin / SECOND)
  metrics.heapLimit.set(getHeapStatistics().heap_size_limit)
  stack.use(registry.beforeExpose(createReading(metrics)))

  const collections = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as readonly CollectionEntry[]) {
      const kind = COLLECTION_KINDS[detail?.kind ?? 0]
      if (kind !== undefined) metrics.collections.observe(duration / SECOND, { kind })
    }
  })
  collections.observe({ entryTypes: ['gc'] })
  stack.defer(() => collections.disconnect())
  return stack
}

/** Counters are given what came since they were read last. */
function createReading(metrics: ProcessMetrics): () => void {
  let [userMicroseconds, systemMicroseconds] = [0, 0]
  let busyMs: DurationMs = 0
  return () => {
    const { rss, heapUsed, external } = process.memoryUsage()
    metrics.residentMemory.set(rss)
    // A control group's limit can be changed while the process runs.
    metrics.memoryLimit.set(memoryLimitBytes())
    metrics.heapUsed.set(heapUsed)
    metrics.externalMemory.set(external)
    const { user, system } = process.cpuUsage()
    metrics.cpu.add((user - userMicroseconds) / 1e6, { mode: 'user' })
    metrics.cpu.add((system - systemMicroseconds) / 1e6, { mode: 'system' })
    ;[userMicroseconds, systemMicroseconds] = [user, system]
    const { active } = performance.eventLoopUtilization()
    metrics.loopBusy.add(Math.max(0, active - busyMs) / SECOND)
    busyMs = Math.max(busyMs, active)
    const { open, max } = fileDescriptors()
    metrics.openFiles.set(open)
    metrics.openFilesMax.set(max)
  }
}

/** As Linux tells them. The limit can be changed while the process runs. */
function fileDescriptors(): { open: number; max: number } {
  try {
    const open = readdirSync('/proc/self/fd').length
    const [, max] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return { open, max: Number(max ?? 0) }
  } catch {
    return { open: 0, max: 0 }
  }
}
