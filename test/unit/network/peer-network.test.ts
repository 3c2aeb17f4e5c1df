import { expect, test } from 'vitest'
import { startNodes, until } from './peer-network-support.ts'

test('nodes that share one bootstrap node come to know everyone', async () => {
  await using started = await startNodes(4)
  const { nodes } = started
  await until(() => nodes.every(({ network }) => network.status().missing === 0))
  for (const { network } of nodes) {
    expect(
      network
        .contacts()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(nodes.map(({ key }) => key).sort())
  }
})

test('a request is answered by the handler of the other node', async () => {
  await using started = await startNodes(2)
  const [asker, answerer] = started.nodes
  if (asker === undefined || answerer === undefined) throw new Error('two nodes')
  answerer.network.handle('onion', async (from, payload) => Buffer.concat([Buffer.from(from.slice(0, 4)), payload]))
  await until(() => asker.network.status().missing === 0)
  const answer = await asker.network.request(answerer.key, 'onion', Buffer.from(' hello'), { timeoutMs: 5000 })
  expect(Buffer.from(answer).toString()).toBe(`${asker.key.slice(0, 4)} hello`)
})
