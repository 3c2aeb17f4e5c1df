import { expect, test } from 'vitest'
import { MINUTE } from '../../../src/base/clock.ts'
import type { HeldMessage } from '../../../src/protocol/contents.ts'
import { anAccount, START_MS } from '../rpc/rpc-fixture.ts'
import { aMessage } from '../storage/store-fixture.ts'
import { ask, type ContentsNode, createContentsNetwork } from './contents-fixture.ts'

test('who still fetches everything says that it holds the same, or that it is not ready', async () => {
  await using swarm = await createContentsNetwork(2)
  const [asker, holder] = swarm.nodes as [ContentsNode, ContentsNode]
  const arc = holder.node.membership.ownArc() ?? { first: 0n, last: 0n }
  const message = aMessage({ account: anAccount(1).id })
  const stamp = START_MS * 1000
  const times = { stamp, livesUntilMs: message.expiryMs, changedStamp: stamp }
  const item: HeldMessage = { kind: 'message', message, ...times }
  holder.isFetching = true
  const from = Math.floor(START_MS / (10 * MINUTE)) + 1
  const total = () => ask(asker, holder, { kind: 'total', arc, from, sum: new Uint8Array(16) })
  expect(await total()).toEqual({ same: true })
  await ask(asker, holder, { kind: 'give', items: [item] })
  expect(await total()).toEqual({ obstacle: 'not-ready' })
  expect(await ask(asker, holder, { kind: 'buckets', arc, from, sums: [] })).toEqual({ obstacle: 'not-ready' })
  holder.isFetching = false
  expect(await total()).toEqual({ same: false })
})
