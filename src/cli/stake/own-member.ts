import { fromHex } from '../../base/bytes.ts'
import { SECOND } from '../../base/clock.ts'
import { type BlsPublicKey, blsPublicKeyParameter, parseBlsPublicKey } from '../../crypto/bls.ts'
import { readKeyFiles } from '../../node/key-files.ts'
import type { Member } from '../../protocol/service-node.ts'
import { StakingError } from '../../staking/errors.ts'
import { readUnsignedExitWaitMs } from '../../staking/operator/contract-facts.ts'
import { readOwnRegistration } from '../../staking/own-registration.ts'
import { type OwnStakeState, stateOf } from '../../staking/own-stake-state.ts'
import { nodeKeysOf } from './chain.ts'
import type { MoneyContext } from './money-step.ts'

/**
 * Where the node of these keys stands in the newest block. What an operator does next follows from that, not from what is final: a
 * step that was just mined must not be done again.
 */
export async function ownState({ settings, providers, view, signal }: MoneyContext): Promise<OwnStakeState> {
  const { contract, unlockAfterMs } = settings.chain
  const keys = nodeKeysOf(await readKeyFiles(settings.keysFolder))
  const [provider] = providers.available()
  if (provider === undefined) throw new StakingError('PROVIDERS_UNAVAILABLE', 'No RPC provider can be used')
  const read = async () => {
    const block = await provider.block('latest', signal)
    if (block === undefined) throw new StakingError('PROVIDER_REPLY_MALFORMED', 'The provider has no newest block')
    return {
      newest: await readOwnRegistration(provider, contract, keys, block, signal),
      nowMs: Number(block.timestampS) * SECOND,
    }
  }
  const { newest, nowMs } = await providers.use(provider, read, signal)
  const exitUnsignedAfterMs = await readUnsignedExitWaitMs(view, { contract })
  return stateOf({
    keys,
    latest: newest,
    finalized: newest,
    lastId: undefined,
    unlockAfterMs,
    exitUnsignedAfterMs,
    nowMs,
  })
}

/** @throws {StakingError} STAKE_MISSING, KEYS_TAKEN, PROVIDER_… */
export async function requireMember(context: MoneyContext): Promise<OwnStakeState & { readonly member: Member }> {
  const state = await ownState(context)
  if ('member' in state) return state
  if (state.kind === 'key-mismatch') throw new StakingError('KEYS_TAKEN', state.sentence)
  throw new StakingError('STAKE_MISSING', state.sentence)
}

/** The first digits tell a node apart from an operator's others, and are short enough to type. */
const SHORT_KEY_DIGITS = 8

export function shortKey({ key }: Pick<Member, 'key'>): string {
  return key.slice(0, SHORT_KEY_DIGITS)
}

/** A member's BLS key, as it is asked for in signatures and as the contract takes it. */
export function blsKeyOf({ bls }: Pick<Member, 'bls'>): {
  readonly key: BlsPublicKey
  readonly parameter: ReturnType<typeof blsPublicKeyParameter>
} {
  const key = parseBlsPublicKey(fromHex(bls) ?? new Uint8Array())
  if (key === undefined) throw new StakingError('PROVIDER_REPLY_MALFORMED', 'The contract lists a BLS key that is none')
  return { key, parameter: blsPublicKeyParameter(key) }
}
