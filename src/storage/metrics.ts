import type { MetricsRegister } from '../base/metrics.ts'
import type { StoreOutcome } from '../protocol/message.ts'
import type { FullReason } from './quota.ts'

export type StorageMetrics = ReturnType<typeof createStorageMetrics>

const FULL_REASONS = Object.keys({
  account_messages: true,
  account_bytes: true,
  total_bytes: true,
  disk: true,
} satisfies Record<FullReason, true>) as readonly FullReason[]

export function createStorageMetrics(register: MetricsRegister) {
  const full = register.counter<{ reason: FullReason }>({
    name: 'starling_storage_full_total',
    help: 'Store requests refused for want of room, by the bound that was reached',
    labelNames: ['reason'],
  })
  // There from the start: a series that begins with its first refusal has not grown by it, and an alert would miss it.
  for (const reason of FULL_REASONS) full.add(0, { reason })
  return {
    stored: register.counter<{ outcome: StoreOutcome }>({
      name: 'starling_storage_stored_total',
      help: 'Store requests by outcome',
      labelNames: ['outcome'],
    }),
    full,
    refused: register.counter<{ reason: 'busy' | 'not_writable' }>({
      name: 'starling_storage_refused_total',
      help: 'Operations refused before they were tried',
      labelNames: ['reason'],
    }),
    storedSize: register.histogram({
      name: 'starling_storage_stored_size_bytes',
      help: 'Size of the data of new messages',
      // Session pads texts to multiples of 160 bytes; the last bucket is the longest data that is taken.
      buckets: [256, 512, 1024, 4096, 16_384, 76_800],
    }),
    messages: register.gauge({ name: 'starling_storage_messages', help: 'Messages held' }),
    dataBytes: register.gauge({ name: 'starling_storage_data_bytes', help: 'Bytes of message data held' }),
    tombstones: register.gauge({
      name: 'starling_storage_tombstones',
      help: 'Messages that are not held, but remembered for operations on them',
    }),
    forgotten: register.counter({
      name: 'starling_storage_forgotten_total',
      help: 'Deletions and other operations that could not be remembered for want of room',
    }),
    requests: register.gauge({
      name: 'starling_storage_requests',
      help: 'Signed requests that are kept to prove to other members what was ended',
    }),
    hints: register.gauge({
      name: 'starling_storage_hints',
      help: 'Requests that wait for peers that could not be told',
    }),
    hintBytes: register.gauge({ name: 'starling_storage_hint_bytes', help: 'Bytes of these requests' }),
    freeDisk: register.gauge({
      name: 'starling_storage_free_disk_bytes',
      help: 'Free bytes of the disk that holds the messages',
    }),
    room: register.gauge({
      name: 'starling_storage_room_bytes',
      help: 'Bytes of messages that can still be stored before the total bound or the free space of the disk is reached',
    }),
    queued: register.gauge({
      name: 'starling_storage_queued_operations',
      help: 'Operations waiting for the writer when the last batch was closed',
    }),
    commit: register.histogram({
      name: 'starling_storage_commit_seconds',
      help: 'Time to write and flush a batch',
      // From a fast solid-state disk to a disk in trouble.
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
    }),
    batchOperations: register.histogram({
      name: 'starling_storage_batch_operations',
      help: 'Operations that shared one flush',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    }),
    writeFailures: register.counter({
      name: 'starling_storage_write_failures_total',
      help: 'Batches that could not be written or flushed',
    }),
    swept: register.counter({
      name: 'starling_storage_swept_total',
      help: 'Expired messages removed by the sweeper',
    }),
  }
}
