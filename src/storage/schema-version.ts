import type { Database } from './database.ts'
import { StorageError } from './errors.ts'
import { SCHEMA_VERSION_KEY } from './keys.ts'

/** Raised when the meaning of what is on disk changes, together with a step here that brings older data along. */
export const SCHEMA_VERSION = 1

/**
 * Refuses a database that this version does not understand, before anything is written to it; marks a new one as ours.
 * The record is the version as u32 and nothing else, in every version.
 */
export async function checkSchemaVersion(database: Database): Promise<void> {
  const record = await database.get(SCHEMA_VERSION_KEY)
  if (record === undefined) return markNewDatabase(database)
  if (record.length !== 4) throw unsupported('The schema version of the message database cannot be read.')
  const version = record.readUInt32BE(0)
  if (version > SCHEMA_VERSION) {
    throw unsupported(
      `The message database has schema version ${version}, and this version of Starling knows up to ${SCHEMA_VERSION}. ` +
        'Run the newer Starling again, or start with an empty data folder: the swarm brings the messages back.',
      version,
    )
  }
  if (version < SCHEMA_VERSION)
    throw unsupported(`The message database has unknown schema version ${version}.`, version)
}

async function markNewDatabase(database: Database): Promise<void> {
  const [anything] = await database.keys({ limit: 1 }).all()
  if (anything !== undefined) throw unsupported('The folder holds a LevelDB database that is not a message database.')
  const record = Buffer.alloc(4)
  record.writeUInt32BE(SCHEMA_VERSION)
  await database.batch([{ type: 'put', key: SCHEMA_VERSION_KEY, value: record }], { sync: true })
}

function unsupported(sentence: string, version?: number): StorageError {
  const details = version === undefined ? {} : { version, known: SCHEMA_VERSION }
  return new StorageError('SCHEMA_UNSUPPORTED', sentence, { details })
}
