import { mkdir } from 'node:fs/promises'
import { CodedError } from '../base/coded-error.ts'

export type DataFolderErrorCode =
  /** The data folder cannot be made: the message says where and why. */
  'DATA_FOLDER_UNUSABLE'

export class DataFolderError extends CodedError<DataFolderErrorCode> {}

/**
 * Makes the data folder when it is missing.
 * @throws {DataFolderError}
 */
export async function createDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const message = `The data folder ${path} cannot be made (${reason}): give another dataFolder, or change who may write there`
    throw new DataFolderError('DATA_FOLDER_UNUSABLE', message, { details: { path, reason }, cause })
  }
}
