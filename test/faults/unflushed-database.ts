import { Level } from 'level'
import type { CreateDatabase } from '../../src/storage/database.ts'

/** LevelDB that says a batch is on the disk when it is not: what a power cut has to show, or it shows nothing. */
export const withoutFlushes: CreateDatabase = (path, options) => {
  const database = new Level<Buffer, Buffer>(path, options)
  const chainedBatch = database.batch.bind(database)
  const unflushed = () => {
    const batch = chainedBatch()
    const write = batch.write.bind(batch)
    batch.write = () => write({ sync: false })
    return batch
  }
  const batch = (...operations: unknown[]) =>
    operations.length === 0 ? unflushed() : Reflect.apply(Level.prototype.batch, database, operations)
  return Object.defineProperty(database, 'batch', { value: batch })
}
