/** How well the view of the chain is founded. */
export type ChainStanding =
  /** One provider is configured, and trusted. */
  | 'trusting-one'
  /** All providers are sound. */
  | 'full'
  /** The preferred providers are sound, but a spare one is not. */
  | 'without-spare'
  /** A preferred provider has a fault; others stand in for it. */
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

/** Slow ones are asked last, and believed like any. */
export type Soundness = 'sound' | 'slow' | 'faulty'

/** From how the providers fare, in their configured order. */
export function standingOf(providers: readonly Soundness[], quorum: number): ChainStanding {
  if (providers.length === 1) return 'trusting-one'
  const isSound = (one: Soundness) => one === 'sound'
  if (providers.every(isSound)) return 'full'
  if (providers.filter((one) => one !== 'faulty').length < quorum) return 'too-few'
  return providers.slice(0, quorum).every(isSound) ? 'without-spare' : 'on-backup'
}
