/** How well the view of the chain is founded. */
export type ChainStanding =
  /** One provider is configured, and trusted. */
  | 'trusting-one'
  /** All providers can be used. */
  | 'full'
  /** The preferred providers agree, but a spare one cannot be used. */
  | 'without-spare'
  /** A preferred provider cannot be used; others stand in for it. */
  | 'on-backup'
  /** Too few are left for agreement: nothing new is believed. */
  | 'too-few'

export const CHAIN_STANDINGS: readonly ChainStanding[] = [
  'trusting-one',
  'full',
  'without-spare',
  'on-backup',
  'too-few',
]

/** From which of the providers, in their configured order, can be used. */
export function standingOf(usable: readonly boolean[], quorum: number): ChainStanding {
  if (usable.length === 1) return 'trusting-one'
  const count = usable.filter(Boolean).length
  if (count === usable.length) return 'full'
  if (count < quorum) return 'too-few'
  return usable.slice(0, quorum).every(Boolean) ? 'without-spare' : 'on-backup'
}
