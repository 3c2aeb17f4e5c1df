import type { DevnetNode } from '../../devnet/network.ts'
import { hashesOn, type Promises } from '../support/direct-writer.ts'
import { eventually } from '../support/eventually.ts'

/** How long the members took until all hold the same, and all that was acknowledged; undefined when they did not in time. */
export async function untilEqual(
  nodes: readonly DevnetNode[],
  ledger: readonly Promises[],
  withinMs: number,
): Promise<number | undefined> {
  const begun = performance.now()
  const pending = new Set(ledger)
  const look = async () => {
    for (const page of [...pending]) if (await isEqual(nodes, page)) pending.delete(page)
    return pending.size === 0 || undefined
  }
  await eventually('members hold the same', look, withinMs).catch(() => {})
  return pending.size === 0 ? performance.now() - begun : undefined
}

async function isEqual(nodes: readonly DevnetNode[], { account, acknowledged }: Promises): Promise<boolean> {
  const [first, ...others] = await Promise.all(nodes.map((node) => hashesOn(node, account)))
  if (first === undefined || [...acknowledged].some((hash) => !first.has(hash))) return false
  return others.every((each) => each.size === first.size && [...each].every((hash) => first.has(hash)))
}
