import type { KadDHT } from '@libp2p/kad-dht'
import { withDeadline } from '../base/deadline.ts'
import type { Logger } from '../base/logger.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { recordKeyOf } from './dht.ts'
import type { NetworkMetrics } from './metrics.ts'
import type { PeerDirectory } from './peer-directory.ts'

export interface RecordLookupComponents {
  dht: KadDHT
  directory: PeerDirectory
  log: Logger
  metrics: NetworkMetrics
}

/** Records in the DHT: for what bulk exchange has not brought, and for those who know nobody's record yet. */
export function createRecordLookup(
  { dht, directory, log, metrics }: RecordLookupComponents,
  { dhtTimeoutMs }: { dhtTimeoutMs: number },
) {
  return {
    /** Stores a record at the nodes closest to its key. */
    async publish(key: ServiceNodeKey, envelope: Uint8Array, signal?: AbortSignal): Promise<void> {
      try {
        for await (const _ of dht.put(recordKeyOf(key), envelope, { signal: withDeadline(dhtTimeoutMs, signal) }));
      } catch (error) {
        // Exchange spreads the record too, and it is published again before long.
        log.debug({ error }, 'Our record could not be stored in the DHT')
      }
    },

    /** Whether a record of this member was found and believed. */
    async find(key: ServiceNodeKey, signal?: AbortSignal): Promise<boolean> {
      try {
        for await (const event of dht.get(recordKeyOf(key), { signal: withDeadline(dhtTimeoutMs, signal) })) {
          if (event.name === 'VALUE') await directory.accept(event.value)
        }
      } catch (error) {
        log.debug({ error }, 'A lookup in the DHT failed')
      }
      const found = directory.get(key) !== undefined
      metrics.lookups.inc({ outcome: found ? 'found' : 'missing' })
      return found
    },
  }
}

export type RecordLookup = ReturnType<typeof createRecordLookup>
