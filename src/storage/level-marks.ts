import { assert } from '../base/assert.ts'
import { type Database, readError } from './database.ts'
import type { GroupCommit } from './group-commit.ts'
import { markKey } from './keys.ts'
import type { Marks } from './marks.ts'

/** Names are ours, and short. */
const NAME_MAX_CHARS = 64

export class LevelMarks implements Marks {
  readonly #database: Database
  readonly #commits: GroupCommit

  constructor({ database, commits }: { database: Database; commits: GroupCommit }) {
    this.#database = database
    this.#commits = commits
  }

  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await this.#database.get(markKey(name))
    } catch (error) {
      throw readError(this.#database, error)
    }
  }

  async write(name: string, value: Uint8Array | undefined): Promise<void> {
    assert(name.length > 0 && name.length <= NAME_MAX_CHARS, 'A mark has a short name')
    await this.#commits.submit({
      sizeBytes: value?.length ?? 0,
      scans: false,
      run({ batch }) {
        if (value === undefined) batch.delete(markKey(name))
        else batch.put(markKey(name), Buffer.from(value))
      },
    })
  }
}
