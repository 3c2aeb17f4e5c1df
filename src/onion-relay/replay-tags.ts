import { asBuffer } from '../base/bytes.ts'
import { REPLAY_TAG_SIZE } from '../protocol/onion/encryption.ts'

const SHARDS = 256
const WORDS_PER_SLOT = 2
const FIRST_SLOTS = 16
/** Share of a shard's slots that may be taken; above, probing gets long. */
const LOAD_MAX = 0.75

/**
 * A set of 8-byte tags in some 16 bytes each: a Set of strings takes ten times that. Open addressing in 256 shards, so that
 * growing moves a few thousand tags at most and never holds up the event loop. Tags are hashes under a secret of this node, so
 * their own bytes are the place where they go, and no client can choose tags that crowd one place; two tags of a million
 * being equal by chance has odds of one in 10^7.
 */
export class ReplayTags {
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({ words: new Uint32Array(0), count: 0 }))
  #size = 0

  get size(): number {
    return this.#size
  }

  has(tag: Uint8Array): boolean {
    const { shard, first, second } = this.#locate(tag)
    if (shard.count === 0) return false
    return isTaken(shard.words, findSlot(shard.words, first, second))
  }

  /** Whether the tag is new. */
  add(tag: Uint8Array): boolean {
    const { shard, first, second } = this.#locate(tag)
    if ((shard.count + 1) * WORDS_PER_SLOT > shard.words.length * LOAD_MAX) grow(shard)
    const slot = findSlot(shard.words, first, second)
    if (isTaken(shard.words, slot)) return false
    shard.words[slot] = first
    shard.words[slot + 1] = second
    shard.count++
    this.#size++
    return true
  }

  #locate(tag: Uint8Array): { shard: Shard; first: number; second: number } {
    const bytes = asBuffer(tag)
    const first = bytes.readUInt32LE(0)
    // Both words zero marks an empty slot, so that one tag is kept as another.
    const second = bytes.readUInt32LE(REPLAY_TAG_SIZE / 2) || 1
    return { shard: this.#shards[first % SHARDS] as Shard, first, second }
  }
}

interface Shard {
  words: Uint32Array
  count: number
}

/** Index of the slot that holds the tag, or of the empty one where it would go. */
function findSlot(words: Uint32Array, first: number, second: number): number {
  const slots = words.length / WORDS_PER_SLOT
  let slot = second % slots
  while (isTaken(words, slot * WORDS_PER_SLOT)) {
    if (words[slot * WORDS_PER_SLOT] === first && words[slot * WORDS_PER_SLOT + 1] === second) break
    slot = (slot + 1) % slots
  }
  return slot * WORDS_PER_SLOT
}

function isTaken(words: Uint32Array, slot: number): boolean {
  return words[slot + 1] !== 0
}

function grow(shard: Shard): void {
  const old = shard.words
  shard.words = new Uint32Array(Math.max(FIRST_SLOTS * WORDS_PER_SLOT, old.length * 2))
  for (let slot = 0; slot < old.length; slot += WORDS_PER_SLOT) {
    if (!isTaken(old, slot)) continue
    const first = old[slot] ?? 0
    const second = old[slot + 1] ?? 0
    const place = findSlot(shard.words, first, second)
    shard.words[place] = first
    shard.words[place + 1] = second
  }
}
