import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { OnionRelayMetrics } from './metrics.ts'
import type { OnionRelayOptions } from './options.ts'

/** Who handed a request to this node: another node, or some client. Clients share one limit; the HTTPS server tells them apart. */
export type PreviousHop = ServiceNodeKey | 'clients'

export interface Capacity {
  /** Takes a place for a request, which the returned function gives back; undefined when there is none. */
  enter(previous: PreviousHop, bytes: number): (() => void) | undefined
}

interface Load {
  requests: number
  bytes: number
}

/** Bounds the requests under way, in all and for each previous hop, so that no single one can take the whole node. */
export function createCapacity(metrics: OnionRelayMetrics, options: OnionRelayOptions): Capacity {
  const total: Load = { requests: 0, bytes: 0 }
  const loads = new Map<PreviousHop, Load>()
  const totalMax: Load = { requests: options.requestsMax, bytes: options.requestBytesMax }
  const clientsMax: Load = { requests: options.clientRequestsMax, bytes: options.clientRequestBytesMax }
  const peerMax: Load = { requests: options.peerRequestsMax, bytes: options.peerRequestBytesMax }

  const add = (load: Load, requests: number, bytes: number) => {
    load.requests += requests
    load.bytes += bytes
  }
  const report = () => {
    metrics.requestsInFlight.set(total.requests)
    metrics.bytesInFlight.set(total.bytes)
  }

  return {
    enter(previous, bytes) {
      const load = loads.get(previous) ?? { requests: 0, bytes: 0 }
      const max = previous === 'clients' ? clientsMax : peerMax
      if (!fits(total, totalMax, bytes) || !fits(load, max, bytes)) return undefined
      loads.set(previous, load)
      add(load, 1, bytes)
      add(total, 1, bytes)
      report()
      return () => {
        add(load, -1, -bytes)
        add(total, -1, -bytes)
        if (load.requests === 0) loads.delete(previous)
        report()
      }
    },
  }
}

function fits(load: Load, max: Load, bytes: number): boolean {
  return load.requests < max.requests && load.bytes + bytes <= max.bytes
}
