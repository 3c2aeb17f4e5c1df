// What an account has revoked, by the same rule as everything else: all changes in the order of their stamps.
import { REVOCATIONS_MAX } from '../protocol/limits.ts'
import type { OperationStamp } from '../protocol/operation-stamp.ts'
import { encodeChange, type Revocation, type RevocationChange, type Revocations } from './revocation-codec.ts'

/** Changes that are remembered at once, and tokens in them. More settle the oldest before their time. */
const CHANGES_MAX = 64
const CHANGED_TOKENS_MAX = 1_000

export const NO_REVOCATIONS: Revocations = { stamp: 0, base: [], changes: [] }

/** The revocations, oldest first, as they were before a stamp; after everything when there is none. */
export function revokedBefore({ base, changes }: Revocations, before?: OperationStamp): readonly Revocation[] {
  return changes
    .filter(({ stamp }) => before === undefined || stamp < before)
    .reduce<readonly Revocation[]>(applied, base)
}

/** With one more change. One that came before, or too late, makes no difference. */
export function withChange(revocations: Revocations, change: RevocationChange): Revocations {
  if (change.stamp <= revocations.stamp) return revocations
  const bytes = encodeChange(change)
  if (revocations.changes.some((each) => encodeChange(each).equals(bytes))) return revocations
  return { ...revocations, changes: [...revocations.changes, change].sort(compareChanges) }
}

/** Folds what is older than a stamp, and what is too much. */
export function settledBefore(revocations: Revocations, stamp: OperationStamp): Revocations {
  let { base, stamp: settled } = revocations
  const changes = [...revocations.changes]
  let tokens = changes.reduce((sum, change) => sum + change.tokens.length, 0)
  for (let [oldest] = changes; oldest !== undefined; [oldest] = changes) {
    if (oldest.stamp >= stamp && changes.length <= CHANGES_MAX && tokens <= CHANGED_TOKENS_MAX) break
    base = applied(base, oldest)
    settled = Math.max(settled, oldest.stamp)
    tokens -= oldest.tokens.length
    changes.shift()
  }
  return { stamp: settled, base, changes }
}

function applied(list: readonly Revocation[], { kind, stamp, tokens }: RevocationChange): readonly Revocation[] {
  const changed = new Map(tokens.map((token) => [idOf(token), { token, stamp }]))
  const kept = list.filter(({ token }) => !changed.has(idOf(token)))
  return kind === 'unrevoke' ? kept : [...kept, ...changed.values()].slice(-REVOCATIONS_MAX)
}

function compareChanges(a: RevocationChange, b: RevocationChange): number {
  return a.stamp - b.stamp || Buffer.compare(encodeChange(a), encodeChange(b))
}

function idOf(token: Buffer): string {
  return token.toString('latin1')
}
