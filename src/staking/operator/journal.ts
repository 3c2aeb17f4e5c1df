import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '../../protocol/json.ts'
import type { Hex } from '../chain-reply.ts'
import { StakingError } from '../errors.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'
import { acquireLock } from './account-lock.ts'
import { type JournalEntry, journalEntryJson, parseJournalEntry } from './journal-entry.ts'

// What this machine has signed for one account on one chain, so that a command that was cut off between signing and receipt goes on
// where it was instead of paying a second time.

export interface TransactionJournal {
  /** In the order of signing. */
  entries(): readonly JournalEntry[]
  /** Resolves when the entry is safe on disk: only then may its transaction be sent. */
  append(entry: JournalEntry): Promise<void>
  /** Puts `next` in the place of `previous`. */
  replace(previous: JournalEntry, next: JournalEntry): Promise<void>
  /** Changes all at once; an entry that stays as it is comes back itself. */
  change(changed: (entry: JournalEntry) => JournalEntry): Promise<void>
}

export interface JournalOwner {
  readonly chainId: number
  readonly account: Hex
}

/** Enough to look back on; only entries that nothing can change any more are let go. */
const ENTRIES_MAX = 64
/** A registration is 2 KB with its raw bytes, and as hex twice that. */
const FILE_MAX_BYTES = 2 * 1024 * 1024
const FILE_NAME = /^transactions-(\d{1,16})-(0x[0-9a-f]{40})\.json$/

/**
 * Opens the journal of one account, for one command at a time. The folder must be there.
 * @throws {StakingError} ACCOUNT_BUSY, STATE_FILE_DAMAGED
 */
export async function openJournal(folder: string, owner: JournalOwner): Promise<TransactionJournal & AsyncDisposable> {
  const path = journalPath(folder, owner)
  const lock = await acquireLock(`${path}.lock`)
  try {
    let entries = await readEntries(path, owner)
    const write = async (changed: readonly JournalEntry[]) => {
      const kept = shortened(changed)
      await writeStateFile(path, { ...ownerJson(owner), entries: kept.map(journalEntryJson) })
      entries = kept
    }
    return {
      entries: () => entries,
      append: (entry) => write([...entries, entry]),
      replace: (previous, next) => write(entries.map((entry) => (entry === previous ? next : entry))),
      async change(changed) {
        const next = entries.map(changed)
        if (next.some((entry, index) => entry !== entries[index])) await write(next)
      },
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    }
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
}

/** For a process that will not be resumed, such as a devnet's. */
export function createMemoryJournal(): TransactionJournal {
  let entries: readonly JournalEntry[] = []
  return {
    entries: () => entries,
    append: async (entry) => {
      entries = [...entries, entry]
    },
    replace: async (previous, next) => {
      entries = entries.map((entry) => (entry === previous ? next : entry))
    },
    change: async (changed) => {
      entries = entries.map(changed)
    },
  }
}

/** All that was signed on a chain with journals in this folder. */
export async function readJournals(
  folder: string,
  chainId: number,
): Promise<readonly { readonly account: Hex; readonly entries: readonly JournalEntry[] }[]> {
  const names = await readdir(folder).catch(() => [])
  const ours = names.sort().flatMap((name) => {
    const [, chain, account] = FILE_NAME.exec(name) ?? []
    return Number(chain) === chainId && account !== undefined ? [{ name, account: account as Hex }] : []
  })
  return await Promise.all(
    ours.map(async ({ name, account }) => ({
      account,
      entries: await readEntries(join(folder, name), { chainId, account }),
    })),
  )
}

function journalPath(folder: string, { chainId, account }: JournalOwner): string {
  return join(folder, `transactions-${chainId}-${account.toLowerCase()}.json`)
}

/** So that a file that was copied or renamed has nothing sent to another chain, or for another account. */
function ownerJson({ chainId, account }: JournalOwner) {
  return { chainId, account: account.toLowerCase() }
}

async function readEntries(path: string, owner: JournalOwner): Promise<readonly JournalEntry[]> {
  const state = await readStateFile(path, FILE_MAX_BYTES).catch((cause: unknown) => {
    throw damaged(path, cause)
  })
  if (state === undefined) return []
  const { chainId, account } = ownerJson(owner)
  if (!isJsonObject(state) || state['chainId'] !== chainId || state['account'] !== account) throw damaged(path)
  const list = state['entries']
  const entries = Array.isArray(list) ? list.map(parseJournalEntry) : [undefined]
  if (entries.every((entry) => entry !== undefined)) return entries
  throw damaged(path)
}

/** What is under way is no longer known, and only the chain can tell. */
function damaged(path: string, cause?: unknown): StakingError {
  const what = `${path} cannot be read, or is not this account's journal as it was written`
  const remedy = 'when a block explorer shows nothing of the account under way, move the file away'
  return new StakingError('STATE_FILE_DAMAGED', `${what}; ${remedy}`, { cause })
}

function shortened(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  let excess = entries.length - ENTRIES_MAX
  return entries.filter((entry) => !(isSettled(entry) && excess-- > 0))
}

/** Whether nothing about it can change, and the operator knows. */
function isSettled({ isFinal, isTold }: JournalEntry): boolean {
  return isTold && isFinal
}
