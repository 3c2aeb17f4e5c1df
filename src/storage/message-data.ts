// The data of a message: where it can be had from, and what it is in another namespace.
import { asBuffer, concat, utf8 } from '../base/bytes.ts'
import type { StoredMessage } from '../protocol/message.ts'
import { type Namespace, namespaceText } from '../protocol/namespace.ts'
import { StorageError } from './errors.ts'
import { bodyKey, rowKey } from './keys.ts'
import { decodeRow, type Locator } from './message-codec.ts'
import type { MessageId } from './message-records.ts'
import type { WriteBatch } from './write-batch.ts'

/** What has just arrived, or what lies on the disk. */
export interface DataSource {
  readonly namespace: Namespace
  size(namespace: Namespace): number
  /** Whether the data is to lie where it does not lie yet. */
  isNeeded(after: Locator): boolean
  read(namespace: Namespace): Uint8Array
}

export function dataSource(
  batch: WriteBatch,
  id: MessageId,
  before: Locator | undefined,
  arriving: StoredMessage | undefined,
): DataSource | undefined {
  if (before !== undefined && before.placement !== 'none') return keptData(batch, id, before)
  return arriving === undefined ? undefined : arrivingData(arriving)
}

function keptData(batch: WriteBatch, id: MessageId, kept: Locator): DataSource {
  const read = (namespace: Namespace) =>
    dataAs({ namespace: kept.namespace, data: readData(batch, id, kept) }, namespace)
  return {
    namespace: kept.namespace,
    size: (namespace) => (namespace === kept.namespace ? kept.dataBytes : read(namespace).length),
    isNeeded({ placement, namespace, sequence }) {
      if (placement === 'none') return false
      return kept.placement !== placement || kept.namespace !== namespace || kept.sequence !== sequence
    },
    read,
  }
}

function arrivingData(message: StoredMessage): DataSource {
  const read = (namespace: Namespace) => dataAs(message, namespace)
  return {
    namespace: message.namespace,
    size: (namespace) => read(namespace).length,
    isNeeded: ({ placement }) => placement !== 'none',
    read,
  }
}

function readData(batch: WriteBatch, { account }: MessageId, locator: Locator): Buffer {
  const isInside = locator.placement === 'inside'
  const record = batch.get(isInside ? rowKey(account, locator) : bodyKey(account, locator))
  const data = record !== undefined && isInside ? decodeRow(record).data : record
  if (data?.length !== locator.dataBytes) throw new StorageError('RECORD_CORRUPT', 'A locator has no data of its size')
  return data
}

/**
 * Namespace and data are hashed without a mark between them, so one hash may be that of two messages, in two namespaces; the data
 * of either follows from the other's.
 */
function dataAs({ namespace, data }: Pick<StoredMessage, 'namespace' | 'data'>, wanted: Namespace): Buffer {
  if (namespace === wanted) return asBuffer(data)
  const hashed = concat(utf8(namespaceText(namespace)), data)
  return asBuffer(hashed.subarray(utf8(namespaceText(wanted)).length))
}
