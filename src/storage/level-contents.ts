import type { AccountId } from '../protocol/account.ts'
import type { ContentsEntry, HeldItem, HeldMessage } from '../protocol/contents.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { dropAccount } from './account-drop.ts'
import { adoptMessages } from './adoption.ts'
import type { Circumstances } from './circumstances.ts'
import type { AdoptOutcome, Contents, ContentsSums, ItemPage, ListPage, ListQuery, PageQuery } from './contents.ts'
import { isLacking, readEntry, sizeOfItem } from './contents-reader.ts'
import type { SumKeeper } from './contents-sum-keeper.ts'
import { listBucket, walkItems, walkOutside } from './contents-walk.ts'
import { type Database, readError } from './database.ts'
import type { GroupCommit } from './group-commit.ts'
import { accountBytes } from './keys.ts'
import type { OperationClock } from './operation-clock.ts'

/** Messages of a page that are taken together, and more of the same account: a millisecond's work, and what clients store comes between. */
const ADOPTED_AT_ONCE = 32
const ADOPTED_AT_ONCE_MAX = 128
const ADOPTED_AT_ONCE_BYTES = 256 * 1024

export interface LevelContentsComponents {
  readonly database: Database
  readonly commits: GroupCommit
  readonly sumKeeper: SumKeeper
  readonly stamps: Pick<OperationClock, 'accept'>
  /** As they are when an operation's turn has come. */
  readonly circumstances: () => Circumstances
}

export class LevelContents implements Contents {
  readonly #components: LevelContentsComponents

  constructor(components: LevelContentsComponents) {
    this.#components = components
  }

  cover(arc: SwarmArc | undefined): void {
    this.#components.sumKeeper.cover(arc, this.#components.commits)
  }

  sums(): ContentsSums | undefined {
    return this.#components.sumKeeper.sums()
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#read((database, nowMs) => listBucket(database, query, nowMs))
  }

  lacking(entries: readonly ContentsEntry[]): Promise<ContentsEntry[]> {
    return this.#read(async (database, nowMs) => {
      const lacking: ContentsEntry[] = []
      for (const entry of entries) if (await isLacking(database, entry, nowMs)) lacking.push(entry)
      return lacking
    })
  }

  read(entries: readonly ContentsEntry[], sizeMax: number): Promise<HeldItem[]> {
    return this.#read(async (database, nowMs) => {
      const items: HeldItem[] = []
      let size = 0
      for (const entry of entries) {
        const item = readEntry(database, entry, nowMs)
        if (item === undefined) continue
        size += sizeOfItem(item)
        if (size > sizeMax && items.length > 0) break
        items.push(item)
      }
      return items
    })
  }

  page(query: PageQuery): Promise<ItemPage> {
    return this.#read((database, nowMs) => walkItems(database, query, nowMs))
  }

  async adopt(messages: readonly HeldMessage[]): Promise<AdoptOutcome[]> {
    const parts: Promise<AdoptOutcome[]>[] = []
    for (let at = 0; at < messages.length; ) {
      const end = endOfPart(messages, at)
      parts.push(this.#adopt(messages.slice(at, end)))
      at = end
    }
    const outcomes = (await Promise.all(parts)).flat()
    // What is done with them here comes after what was done elsewhere.
    for (const { stamp, changedStamp } of messages) this.#components.stamps.accept(Math.max(stamp, changedStamp))
    return outcomes
  }

  outside(arcs: readonly SwarmArc[], after: AccountId | undefined, countMax: number): Promise<AccountId[]> {
    return this.#read((database) => walkOutside(database, arcs, after, countMax))
  }

  drop(account: AccountId): Promise<number> {
    const { database, commits } = this.#components
    return commits.submit({
      sizeBytes: 0,
      scans: true,
      run: (writer) => dropAccount(database, writer, accountBytes(account)),
    })
  }

  #adopt(messages: readonly HeldMessage[]): Promise<AdoptOutcome[]> {
    const { commits, circumstances } = this.#components
    return commits.submit({
      sizeBytes: messages.reduce((sum, { message }) => sum + message.data.length, 0),
      scans: false,
      isPatient: true,
      run: ({ batch }) => adoptMessages(batch, messages, circumstances()),
    })
  }

  async #read<T>(read: (database: Database, nowMs: number) => Promise<T>): Promise<T> {
    const { database, circumstances } = this.#components
    try {
      return await read(database, circumstances().nowMs)
    } catch (error) {
      throw readError(database, error)
    }
  }
}

/** An account is not divided if it need not be, since its messages share a look at what is known of it. */
function endOfPart(messages: readonly HeldMessage[], at: number): number {
  let end = at
  let bytes = 0
  for (const { message } of messages.slice(at, at + ADOPTED_AT_ONCE_MAX)) {
    const isEnough = end - at >= ADOPTED_AT_ONCE && message.account !== messages[end - 1]?.message.account
    bytes += message.data.length
    if (isEnough || (end > at && bytes > ADOPTED_AT_ONCE_BYTES)) break
    end++
  }
  return end
}
