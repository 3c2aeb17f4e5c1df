import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The folder may not have been made yet: then its nearest parent tells. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    const parent = dirname(folder)
    return parent === folder ? undefined : await freeBytes(parent)
  }
}
