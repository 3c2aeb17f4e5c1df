import { keccak256 } from 'viem'
import { type DurationMs, MINUTE } from '../base/clock.ts'
import type { Hex } from './chain-reply.ts'
import { stakingErrorOf } from './contract-errors.ts'
import { StakingError, type StakingErrorCode } from './errors.ts'
import type { OperatorAccount } from './operator-account.ts'

export interface MinedTransaction {
  readonly hash: Hex
  readonly blockNumber: bigint
}

const RECEIPT_TIMEOUT_MS: DurationMs = 3 * MINUTE

/** After these nobody knows whether the provider passed the transaction on. */
const UNANSWERED: ReadonlySet<StakingErrorCode> = new Set<StakingErrorCode>([
  'PROVIDER_UNREACHABLE',
  'PROVIDER_TIMEOUT',
  'PROVIDER_REPLY_TOO_LARGE',
  'PROVIDER_REPLY_MALFORMED',
])

/**
 * Signs a call, sends it once and waits until it is mined. From the first byte sent on, every failure names the transaction, so that
 * whoever waits in vain can look it up.
 * @throws {StakingError} TRANSACTION_PENDING, CONTRACT_REFUSED; before anything is sent PROVIDER_…, GAS_FUNDS_INSUFFICIENT
 */
export async function transact(
  account: OperatorAccount,
  call: { to: Hex; data: Hex; gas?: bigint },
): Promise<MinedTransaction> {
  const request = await account.wallet.prepareTransactionRequest(call)
  const serializedTransaction = await account.wallet.signTransaction(request)
  const hash = keccak256(serializedTransaction)
  try {
    await account.chain.sendRawTransaction({ serializedTransaction })
  } catch (error) {
    const refusal = stakingErrorOf(error)
    if (!UNANSWERED.has(refusal.code)) throw refusal
  }
  return { hash, blockNumber: await confirmed(account, { hash, nonce: request.nonce, ...call }) }
}

interface SentTransaction {
  readonly hash: Hex
  readonly nonce: number
  readonly to: Hex
  readonly data: Hex
}

async function confirmed({ chain, address }: OperatorAccount, sent: SentTransaction): Promise<bigint> {
  const { hash, nonce, to, data } = sent
  const pending = (what: string) => {
    const message = `The transaction ${hash} ${what}. Run the same command again later: it does not stake twice`
    return new StakingError('TRANSACTION_PENDING', message, { details: { hash } })
  }
  const receipt = await chain
    .waitForTransactionReceipt({
      hash,
      timeout: RECEIPT_TIMEOUT_MS,
      // A transaction that was replaced before the first look at it is only found by its place in the account's order.
      replacement: { from: address, nonce, to, input: data },
    })
    .catch((error: unknown) => {
      const { code } = stakingErrorOf(error)
      throw pending(`was given to the RPC provider and is not confirmed yet (${code})`)
    })
  if (receipt.transactionHash !== hash) throw pending(`was replaced by ${receipt.transactionHash}`)
  if (receipt.status === 'success') return receipt.blockNumber
  const message = `The transaction ${hash} was mined, but the contract refused it`
  throw new StakingError('CONTRACT_REFUSED', message, { details: { hash } })
}
