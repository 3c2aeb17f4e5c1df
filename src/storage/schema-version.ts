import type { Database } from './database.ts'
import { StorageError } from './errors.ts'
import { SCHEMA_VERSION_KEY } from './keys.ts'
import { beginMigration, isMigrating, migrate } from './migration.ts'

/** Raised when the meaning of what is on disk changes, together with a step in migration.ts that brings older data along. */
export const SCHEMA_VERSION = 3

/**
 * Refuses a database that this version does not understand, before anything is written to it; marks a new one as ours, and brings an
 * older one along. The record is the version as u32 and nothing else, in every version.
 */
export async function bringSchemaAlong(database: Database): Promise<void> {
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
  if (version < 1) throw unsupported(`The message database has unknown schema version ${version}.`, version)
  if (version < SCHEMA_VERSION) await beginMigration(database, versionRecord())
  if (await isMigrating(database)) await migrate(database)
}

async function markNewDatabase(database: Database): Promise<void> {
  const [anything] = await database.keys({ limit: 1 }).all()
  if (anything !== undefined) throw unsupported('The folder holds a LevelDB database that is not a message database.')
  await database.batch([{ type: 'put', key: SCHEMA_VERSION_KEY, value: versionRecord() }], { sync: true })
}

function versionRecord(): Buffer {
  const record = Buffer.alloc(4)
  record.writeUInt32BE(SCHEMA_VERSION)
  return record
}

function unsupported(sentence: string, version?: number): StorageError {
  const details = version === undefined ? {} : { version, known: SCHEMA_VERSION }
  return new StorageError('SCHEMA_UNSUPPORTED', sentence, { details })
}
