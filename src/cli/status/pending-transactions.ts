import { readdir } from 'node:fs/promises'
import type { NodeStatus } from '../../node/status.ts'

/** A transaction that was signed on this machine, and is not final yet. */
export interface PendingTransaction {
  readonly account: string
  readonly title: string
  readonly hash: string | null
  readonly outcome: string
  /** Null while it is in none, as far as the command that sent it saw. */
  readonly blockNumber: string | null
}

/**
 * What the operator's own commands have noted beside the keys: nobody is asked. Where that is nothing, or cannot be read, `starling stake
 * status` has more to say.
 */
export async function pendingTransactions(
  keysFolder: string,
  { sections: { chain } }: Pick<NodeStatus, 'sections'>,
): Promise<readonly PendingTransaction[]> {
  if (chain.state !== 'known') return []
  const names = await readdir(keysFolder).catch(() => [])
  if (!names.some((name) => name.startsWith('transactions-'))) return []
  const { chainId, finalizedBlock } = chain.facts
  // Loads what transactions are made with, which few looks at a node need.
  const { readJournals } = await import('../../staking/operator/journal.ts')
  const journals = await readJournals(keysFolder, chainId).catch(() => [])
  return journals.flatMap(({ account, entries }) =>
    entries
      .filter(({ outcome, isFinal }) => !isFinal && PENDING.has(outcome))
      .filter(({ blockNumber }) => blockNumber === undefined || blockNumber > (finalizedBlock ?? 0))
      .map(({ title, outcome, minedHash, attempts, blockNumber }) => ({
        ...{ account, title, outcome, hash: minedHash ?? attempts.at(-1)?.hash ?? null },
        blockNumber: blockNumber?.toString() ?? null,
      })),
  )
}

const PENDING: ReadonlySet<string> = new Set(['open', 'mined', 'refused'])

export function transactionLines(
  transactions: readonly PendingTransaction[],
  { sections: { chain } }: Pick<NodeStatus, 'sections'>,
): readonly string[] {
  const final = chain.state === 'known' ? chain.facts.finalizedBlock : null
  return transactions.map(({ title, blockNumber, hash, outcome }) => {
    const where =
      blockNumber === null
        ? 'in no block yet, as far as is known'
        : `in block ${blockNumber}, the final one is ${final}`
    return `  ${title}: ${outcome === 'refused' ? 'refused by the contract, ' : ''}${where} (${hash}). Next: starling stake status`
  })
}
