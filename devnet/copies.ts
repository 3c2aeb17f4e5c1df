import { type Account, type MessageHash, retrieveRequest } from '../src/client/index.ts'
import type { DevnetNode } from './node.ts'
import { callNode } from './node-request.ts'

/** The nodes that return this message to its owner when they are asked directly, each for itself. */
export async function nodesThatHold(
  hash: MessageHash,
  owner: Account,
  nodes: readonly DevnetNode[],
): Promise<readonly DevnetNode[]> {
  const holding = await Promise.all(nodes.map((node) => holds(node, hash, owner).catch(() => false)))
  return nodes.filter((_, at) => holding[at])
}

async function holds(node: DevnetNode, hash: MessageHash, owner: Account): Promise<boolean> {
  const { method, params } = retrieveRequest({ namespace: 0, timestampMs: Date.now() }, owner)
  const { status, body } = await callNode(node, method, params)
  if (status !== 200) return false
  const { messages } = body as { messages: { hash: string }[] }
  return messages.some((message) => message.hash === hash)
}
