import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMetricsRegistry } from '../../../src/base/metrics.ts'
import { createNodeMetrics } from '../../../src/node/metrics.ts'
import { measureLoopDelay, Overload } from '../../../src/node/overload.ts'
import type { ServiceNodeKey } from '../../../src/protocol/service-node.ts'

const OPTIONS = { windowMs: 1000, delayMaxMs: 250, lateWindows: 3 }

/** A node whose event loop is as late as it is told. */
function setup() {
  const registry = createMetricsRegistry()
  const loop = { delayMs: 0, take: () => loop.delayMs, [Symbol.dispose]: () => {} }
  const overload = new Overload({ log: silentLogger, metrics: createNodeMetrics(registry), delay: loop }, OPTIONS)
  const look = (delayMs: number) => {
    loop.delayMs = delayMs
    overload.look()
    return overload.isOverloaded
  }
  return { overload, look, registry }
}

test('a loop that is late for some windows in a row is overload, and one window in time ends it', () => {
  const { look } = setup()
  expect([300, 300, 0, 300, 300].map(look)).toEqual([false, false, false, false, false])
  expect([300, 9_000, 250, 300].map(look)).toEqual([true, true, false, false])
})

test('during overload the requests of other nodes are answered busy', async () => {
  const { look, overload } = setup()
  const handler = overload.shed(async (_from, payload) => payload)
  const ask = () => handler('a'.repeat(64) as ServiceNodeKey, Uint8Array.of(1), new AbortController().signal)
  expect(await ask()).toEqual(Uint8Array.of(1))
  for (const delayMs of [300, 300, 300]) look(delayMs)
  await expect(ask()).rejects.toMatchObject({ code: 'PEER_BUSY' })
  look(0)
  expect(await ask()).toEqual(Uint8Array.of(1))
})

test('the delay is a metric', async () => {
  const { look, registry } = setup()
  look(125)
  expect(await registry.expose()).toContain('starling_node_event_loop_delay_seconds 0.125')
})

test('the delay of this process is measured from one look to the next', async () => {
  using loop = measureLoopDelay(systemClock)
  let blockedMs = 0
  while (blockedMs < 50) {
    const startMs = performance.now()
    while (performance.now() - startMs < 150);
    await delay(1)
    blockedMs = loop.take()
  }
  expect(blockedMs).toBeGreaterThan(50)
})
