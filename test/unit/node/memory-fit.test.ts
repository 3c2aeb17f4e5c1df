import { expect, test } from 'vitest'
import { fitToMemory, memoryLimitBytes } from '../../../src/node/memory-fit.ts'
import { defaultRpcOptions } from '../../../src/rpc/options.ts'

const MIB = 1024 * 1024
/** Measured: what a connection takes, with what JavaScript keeps of it. */
const CONNECTION_BYTES = 64 * 1024
/** What the node itself takes, its database filled. */
const REST_MEBIBYTES = 210
/** Below, nothing but the least is left. */
const LEAST_MEBIBYTES = 190

test('with a gibibyte and more, clients may hold what the options say', () => {
  expect(fitToMemory(defaultRpcOptions, 1024 * MIB)).toEqual(defaultRpcOptions)
  expect(fitToMemory(defaultRpcOptions, 64 * 1024 * MIB)).toEqual(defaultRpcOptions)
})

test.each([384, 512, 768])('with %d MiB, connections and budgets leave room for the node', (mebibytes) => {
  const { connectionsMax, bodiesMaxBytes, answersMaxBytes, readingMaxBytes, retrievedMaxBytes, ...rest } = fitToMemory(
    defaultRpcOptions,
    mebibytes * MIB,
  )
  const budgets = bodiesMaxBytes + answersMaxBytes + readingMaxBytes + retrievedMaxBytes
  expect(connectionsMax * CONNECTION_BYTES + budgets).toBeLessThan(
    Math.max(LEAST_MEBIBYTES, mebibytes - REST_MEBIBYTES) * MIB,
  )
  expect(rest.monitor.connectionsMax).toBeLessThan(connectionsMax)
  // Nothing that a single client may ask for is too large.
  expect(bodiesMaxBytes).toBeGreaterThan(defaultRpcOptions.requestMaxBytes)
})

test('there is memory, and not more than any machine has', () => {
  expect(memoryLimitBytes()).toBeGreaterThan(64 * MIB)
  expect(memoryLimitBytes()).toBeLessThan(2 ** 50)
})
