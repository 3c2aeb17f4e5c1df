import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { SignatureRequest } from '../../protocol/peer-api/signature-request.ts'
import { StakingError } from '../errors.ts'
import { currentTimestampS, type SigningLedger } from './rules.ts'
import type { SignatureSubject } from './signature-source.ts'

/**
 * What members are asked, by this node's own clock and ledger.
 * @throws {StakingError} REWARDS_UNKNOWN
 */
export function requestOf(
  subject: SignatureSubject,
  { clock, ledger }: { readonly clock: Clock; readonly ledger: SigningLedger | undefined },
): SignatureRequest {
  if (subject.kind !== 'reward') {
    const { kind, blsPublicKey } = subject
    return { kind, bls: toHex(blsPublicKey), timestampS: currentTimestampS(clock.nowMs()) }
  }
  const recipient = subject.recipient.toLowerCase() as `0x${string}`
  const snapshot = ledger?.current()
  if (snapshot === undefined) throw unknown('This service node has no ledger of rewards yet')
  const totalAtomic = snapshot.totals.get(recipient)
  if (totalAtomic === undefined) throw unknown('The ledger of rewards holds nothing for this account')
  return { kind: 'reward', recipient, index: snapshot.index, totalAtomic }
}

function unknown(message: string): StakingError {
  return new StakingError('REWARDS_UNKNOWN', message)
}
