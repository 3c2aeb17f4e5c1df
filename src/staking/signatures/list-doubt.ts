import type { Clock, TimestampMs } from '../../base/clock.ts'
import type { RecordedEpoch } from '../../protocol/peer-api/node-record.ts'
import type { MembershipEpoch, ServiceNodeKey } from '../../protocol/service-node.ts'

/** The newest record of each member: it says what epoch its node judged by. */
export interface RecordSource {
  records(): readonly {
    readonly key: ServiceNodeKey
    readonly record: { readonly timestampMs: TimestampMs; readonly epoch: RecordedEpoch }
  }[]
}

/** Compares our lists with those that others say they have. */
export interface ListDoubt extends Disposable {
  /** Whether more than a third of those that can be compared differ: then it may be our providers that are wrong. */
  isDoubted(): boolean
}

/** Epochs that are remembered: a record is signed every half an hour at least, and an epoch is ten minutes. */
const EPOCHS_REMEMBERED = 16

export function createListDoubt(
  components: {
    readonly chain: {
      current(): MembershipEpoch | undefined
      previous(): MembershipEpoch | undefined
      onEpoch(listener: (epoch: MembershipEpoch) => void): () => void
    }
    readonly peers: RecordSource
    readonly self: ServiceNodeKey
    readonly clock: Clock
  },
  { recordAgeMaxMs }: { recordAgeMaxMs: number },
): ListDoubt {
  const { chain, peers, self, clock } = components
  const roots = new Map<number, string>()
  const remember = ({ index, root }: MembershipEpoch) => {
    roots.set(index, root)
    for (const oldest of roots.keys()) if (roots.size > EPOCHS_REMEMBERED) roots.delete(oldest)
  }
  for (const epoch of [chain.previous(), chain.current()]) if (epoch !== undefined) remember(epoch)
  const stop = chain.onEpoch(remember)

  return {
    isDoubted() {
      const sinceMs = clock.nowMs() - recordAgeMaxMs
      const compared = peers
        .records()
        .filter(({ key, record }) => key !== self && record.timestampMs >= sinceMs && roots.has(record.epoch.index))
      const differing = compared.filter(({ record }) => roots.get(record.epoch.index) !== record.epoch.root)
      return differing.length * 3 > compared.length
    },
    [Symbol.dispose]: stop,
  }
}
