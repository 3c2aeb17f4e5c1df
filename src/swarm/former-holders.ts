// Who may hand over what this node serves now, kept over a restart: else what they hold would be taken from nobody.
//
//   holders := version u8 = 1 | count u16 | (key 32 | arc | endedAt u48) *        integers big-endian
//   arc     := first u64 | last u64
import { bytesEqual, concat, fromHex, toHex } from '../base/bytes.ts'
import type { Logger } from '../base/logger.ts'
import { PUBLIC_KEY_SIZE } from '../crypto/keys.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { encodeArc, takeArc, unsigned } from '../protocol/peer-api/contents-fields.ts'
import { FieldReader } from '../protocol/peer-api/field-reader.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { FormerHolder } from './former-arcs.ts'
import type { Marks } from './joining.ts'

export interface FormerHoldersComponents {
  readonly marks: Marks
  readonly membership: {
    formerHolders(): readonly FormerHolder[]
    restoreFormerHolders(holders: readonly FormerHolder[]): void
    onChange(listener: () => void): () => void
  }
  readonly log: Logger
}

const MARK = 'former-holders'
const VERSION = 1
/** The latest; a swarm with its neighbours has some dozens of members. */
const HOLDERS_MAX = 1_000

/** Restores those that were known before a restart, and keeps them from then on. */
export async function keepFormerHolders({ marks, membership, log }: FormerHoldersComponents): Promise<AsyncDisposable> {
  let kept = (await marks.read(MARK)) ?? encodeHolders([])
  membership.restoreFormerHolders(decodeHolders(kept))
  let writing = Promise.resolve()
  const write = () => {
    const holders = encodeHolders(membership.formerHolders())
    if (bytesEqual(holders, kept)) return
    kept = holders
    writing = writing
      .then(() => marks.write(MARK, holders))
      .catch((error: unknown) => log.warn({ error }, 'Who served our accounts before cannot be written down'))
  }
  const stopWatching = membership.onChange(write)
  write()
  return {
    async [Symbol.asyncDispose]() {
      stopWatching()
      await writing
    },
  }
}

function encodeHolders(holders: readonly FormerHolder[]): Uint8Array {
  const latest = holders.toSorted((a, b) => b.endedAt - a.endedAt).slice(0, HOLDERS_MAX)
  const parts = latest.flatMap(({ key, arc, endedAt }) => [
    fromHex(key) ?? new Uint8Array(PUBLIC_KEY_SIZE),
    encodeArc(arc),
    unsigned(endedAt, 6),
  ])
  return concat(Uint8Array.of(VERSION), unsigned(latest.length, 2), ...parts)
}

/** Nobody, when it cannot be read: then they give again what is fetched of others meanwhile. */
function decodeHolders(bytes: Uint8Array): FormerHolder[] {
  try {
    const reader = new FieldReader(bytes, 'A list of former holders')
    if (reader.u8() !== VERSION) return []
    const holders = Array.from({ length: reader.u16() }, () => ({
      key: toHex(reader.take(PUBLIC_KEY_SIZE)) as ServiceNodeKey,
      arc: takeArc(reader),
      endedAt: reader.u48(),
    }))
    reader.end()
    return holders
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}
