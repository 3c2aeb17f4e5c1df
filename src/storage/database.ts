import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import { StorageError } from './errors.ts'
import type { StorageOptions } from './options.ts'

/** LevelDB with binary keys and values. */
export type Database = Level<Buffer, Buffer>

/** A database that is not open yet, in a folder that is there. Tests hand in one that fails. */
export type CreateDatabase = (path: string, options: LevelOptions) => Database | Promise<Database>

export interface LevelOptions {
  keyEncoding: 'buffer'
  valueEncoding: 'buffer'
  /** Off: message data is ciphertext, which does not compress. */
  compression: false
  cacheSize: number
  writeBufferSize: number
  maxOpenFiles: number
}

const OWNER_ONLY = 0o700

const createLevel: CreateDatabase = async (path, options) => {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY })
  return new Level<Buffer, Buffer>(path, options)
}

export async function openDatabase(
  options: Pick<StorageOptions, 'path' | 'cacheBytes' | 'writeBufferBytes' | 'openFilesMax'>,
  create: CreateDatabase = createLevel,
): Promise<Database> {
  try {
    const database = await create(options.path, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      cacheSize: options.cacheBytes,
      writeBufferSize: options.writeBufferBytes,
      maxOpenFiles: options.openFilesMax,
    })
    await database.open()
    return database
  } catch (error) {
    throw openError(options.path, error)
  }
}

function openError(path: string, error: unknown): StorageError {
  const options = { cause: error, details: { path } }
  switch (causeCode(error)) {
    case 'LEVEL_LOCKED':
      return new StorageError(
        'DATABASE_LOCKED',
        `Another process has the message database ${path} open. Stop the node that runs already, or give this one another data folder.`,
        options,
      )
    case 'LEVEL_CORRUPTION':
      return new StorageError(
        'DATABASE_CORRUPT',
        `LevelDB cannot read the message database ${path}. Restore it from a backup, or move it away: the swarm's other members still hold the messages.`,
        options,
      )
    default:
      return new StorageError('DATABASE_OPEN_FAILED', `The message database ${path} cannot be opened.`, options)
  }
}

/** LevelDB's own reason lies in the cause of what `open` rejects with. */
function causeCode(error: unknown): unknown {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return codeOf(cause)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** What a failed read becomes for our callers. Errors that are not the database's stay as they are. */
export function readError(database: Database, error: unknown): unknown {
  if (!String(codeOf(error)).startsWith('LEVEL_')) return error
  if (database.status !== 'open') return new StorageError('CLOSED', 'The message store is closed', { cause: error })
  return new StorageError('READ_FAILED', 'Reading the message database failed', { cause: error })
}
