import { randomBytes } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { toHex } from '../../base/bytes.ts'
import { StakingError } from '../errors.ts'

/**
 * One command at a time for each account: two would sign for the same place in its order. The file holds the process id of its owner;
 * one whose owner has ended, however it ended, is taken over.
 * @throws {StakingError} ACCOUNT_BUSY
 */
export async function acquireLock(path: string): Promise<AsyncDisposable> {
  if (held.has(path)) throw busy(path)
  held.add(path)
  try {
    if (!(await created(path))) {
      await removeStale(path)
      if (!(await created(path))) throw busy(path)
    }
  } catch (error) {
    held.delete(path)
    throw error
  }
  return {
    async [Symbol.asyncDispose]() {
      await unlink(path).catch(() => {})
      held.delete(path)
    },
  }
}

/** The locks of this very process, whose number a stale one may have. */
const held = new Set<string>()

/** Linked into its place whole, so that nobody finds it without its owner. */
async function created(path: string): Promise<boolean> {
  const whole = `${path}.${toHex(randomBytes(6))}`
  await writeFile(whole, String(process.pid), { flag: 'wx', mode: 0o600 })
  try {
    await link(whole, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(whole)
  }
}

/** Moved aside before it is judged, so that of two who find it stale only one takes it away. */
async function removeStale(path: string): Promise<void> {
  if (isRunning(await ownerOf(path))) throw busy(path)
  const aside = `${path}.${toHex(randomBytes(6))}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  const owner = await ownerOf(aside)
  if (!isRunning(owner)) return await unlink(aside)
  // Another command took the stale one over in between, and this is its own.
  await rename(aside, path)
  throw busy(path)
}

async function ownerOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'latin1').catch(() => '')
  return /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined
}

function isRunning(pid: number | undefined): boolean {
  // After a restart of a container, a process often has the number of the one before.
  if (pid === undefined || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function busy(path: string): StakingError {
  const message = `Another command works with this account; wait for it to end (its process id is in ${path})`
  return new StakingError('ACCOUNT_BUSY', message)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
