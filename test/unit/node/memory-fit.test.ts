import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { createMemoryFit, fitToMemory, memoryLimitBytes } from '../../../src/node/memory-fit.ts'
import { settingsDocument } from '../../../src/node/status-settings.ts'
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

test('what is lowered is said in one line, with what was configured, and no line without', () => {
  const lines: object[] = []
  const log = { ...silentLogger, info: (facts: object) => void lines.push(facts) }
  createMemoryFit({ log }, 1024 * MIB)(defaultRpcOptions)
  expect(lines).toEqual([])
  const lower = createMemoryFit({ log }, 512 * MIB)
  const { connectionsMax } = lower(defaultRpcOptions)
  expect(connectionsMax).toBeLessThan(defaultRpcOptions.connectionsMax)
  lower(defaultRpcOptions)
  const said = `${connectionsMax} instead of ${defaultRpcOptions.connectionsMax}`
  expect(lines).toEqual([{ memoryBytes: 512 * MIB, limits: expect.objectContaining({ 'rpc.connectionsMax': said }) }])
})

test('the settings are those that count, beside those that were configured', () => {
  const rpc = fitToMemory(defaultRpcOptions, 512 * MIB)
  const { settings, lowered } = settingsDocument({ rpc: defaultRpcOptions }, { rpc })
  expect(settings['rpc.connectionsMax']).toBe(String(rpc.connectionsMax))
  expect(lowered?.['rpc.connectionsMax']).toBe(String(defaultRpcOptions.connectionsMax))
  expect(Object.keys(lowered ?? {})).not.toContain('rpc.requestMaxBytes')
  expect(settingsDocument({ rpc }, { rpc })).not.toHaveProperty('lowered')
})

test('there is memory, and not more than any machine has', () => {
  expect(memoryLimitBytes()).toBeGreaterThan(64 * MIB)
  expect(memoryLimitBytes()).toBeLessThan(2 ** 50)
})
