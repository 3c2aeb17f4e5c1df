import { readFile, rename, writeFile } from 'node:fs/promises'
import { isJsonObject, type JsonObject, parseJson } from '../protocol/json.ts'

// Small files of the data folder that tell the operator what was. Nothing depends on them: one that is missing or damaged is none.

/** Undefined where there is no such file, or it is damaged. */
export async function readNote(path: string): Promise<JsonObject | undefined> {
  try {
    const kept = parseJson(await readFile(path))
    return isJsonObject(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all. */
export async function writeNote(path: string, note: object): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(note)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

export function isTimestamp(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
