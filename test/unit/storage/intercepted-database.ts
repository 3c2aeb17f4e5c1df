import { Level } from 'level'
import type { CreateDatabase } from '../../../src/storage/database.ts'

/** Decides what becomes of a batch: calls `write` and passes on how it ends, or lets it fail. */
export type OnWrite = (write: () => Promise<void>, options: { sync: boolean }) => Promise<void>

/** A real LevelDB whose chained batches go through `onWrite`, so that tests can hold one back or let it fail. */
export function interceptWrites(onWrite: OnWrite): CreateDatabase {
  return (path, options) => {
    const database = new Level<Buffer, Buffer>(path, options)
    const chainedBatch = database.batch.bind(database)
    const intercepted = () => {
      const batch = chainedBatch()
      const write = batch.write.bind(batch)
      batch.write = (writeOptions: { sync?: boolean | undefined } = {}) =>
        onWrite(() => write(writeOptions), { sync: writeOptions.sync ?? false })
      return batch
    }
    const batch = (...operations: unknown[]) =>
      operations.length === 0 ? intercepted() : Reflect.apply(Level.prototype.batch, database, operations)
    return Object.defineProperty(database, 'batch', { value: batch })
  }
}
