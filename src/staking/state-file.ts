import { randomBytes } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { toHex, utf8 } from '../base/bytes.ts'
import { sha256 } from '../crypto/hash.ts'
import { isJsonObject, type JsonValue, parseJson } from '../protocol/json.ts'
import { JSON_ANSWER_VALUES_MAX } from '../protocol/limits.ts'
import { StakingError } from './errors.ts'

// Small state that must survive a restart: {"sha256": <hex of the text of state>, "state": …}.

/**
 * The state that was written last, or undefined when there is no file.
 * @throws {StakingError} STATE_FILE_DAMAGED
 */
export async function readStateFile(path: string, sizeMaxBytes: number): Promise<JsonValue | undefined> {
  const bytes = await readBounded(path, sizeMaxBytes)
  if (bytes === undefined) return undefined
  const content = parsed(bytes, path)
  const state = isJsonObject(content) ? content['state'] : undefined
  if (!isJsonObject(content) || state === undefined || content['sha256'] !== checksum(JSON.stringify(state)))
    throw damaged(path)
  return state
}

/** Replaces the file at once, so that a crash leaves the old or the new state. */
export async function writeStateFile(path: string, state: JsonValue): Promise<void> {
  const temporary = `${path}.${toHex(randomBytes(6))}`
  const text = JSON.stringify(state)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`{"sha256":"${checksum(text)}","state":${text}}`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  const folder = await open(dirname(path))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function readBounded(path: string, sizeMaxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path)
    try {
      if ((await file.stat()).size > sizeMaxBytes) throw damaged(path)
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function parsed(bytes: Uint8Array, path: string): JsonValue {
  try {
    return parseJson(bytes, JSON_ANSWER_VALUES_MAX)
  } catch (cause) {
    throw damaged(path, cause)
  }
}

function checksum(text: string): string {
  return toHex(sha256(utf8(text)))
}

function damaged(path: string, cause?: unknown): StakingError {
  return new StakingError('STATE_FILE_DAMAGED', `The file ${path} is not as it was written`, { cause })
}
