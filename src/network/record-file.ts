import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../base/logger.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { decodeRecordList, encodeRecordList } from '../protocol/peer-api/record-exchange.ts'

const FILE_NAME = 'peer-records'

/** Signed records on disk, as one list that is replaced as a whole. */
export interface RecordFile {
  read(): Promise<readonly Uint8Array[]>
  write(envelopes: readonly Uint8Array[]): Promise<void>
}

/** For a node without a data folder: it asks its bootstrap nodes after each start. */
export const noRecordFile: RecordFile = { read: async () => [], write: async () => {} }

export function createRecordFile({ log }: { log: Logger }, folder: string): RecordFile {
  const path = join(folder, FILE_NAME)
  return {
    async read() {
      try {
        return decodeRecordList(await readFile(path))
      } catch (error) {
        if (isNotFound(error)) return []
        if (!(error instanceof ProtocolError)) throw error
        // Nothing is lost that others would not tell us again.
        log.warn({ path, code: error.code }, 'The file of peer records is damaged and is not used')
        return []
      }
    },
    async write(envelopes) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await replaceFile(folder, path, encodeRecordList(envelopes))
    },
  }
}

/** After a crash at any moment, the file is either the old or the new one, whole. */
async function replaceFile(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
