import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { type FrameFacts, frame } from '../../../../src/cli/top/frame.ts'
import { painter, wantsColour } from '../../../../src/cli/top/paint.ts'
import type { NodeStatus, StatusSections } from '../../../../src/node/status.ts'
import { SECTION_NAMES } from '../../../../src/node/status-problem-kinds.ts'
import { problem } from '../../../../src/node/status-problems.ts'
import type { TrafficSample } from '../../../../src/node/traffic-history.ts'
import { aNodeStatus } from '../../../support/node-status.ts'

const plain = painter(false)
const SMALL = { columns: 80, rows: 24 }

function samples(count: number): TrafficSample[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ atMs: at * 10_000, requestsPerS: at, refusedPerS: 0, relayedPerS: 1, deliveredPerS: 2, storesPerS: 3 },
    ...{ retrievesPerS: 4, bytesInPerS: 2048, bytesOutPerS: 6, connections: 7, storedBytes: 8, chainLagMs: null },
    eventLoopDelayMs: 1,
  }))
}

function facts(changes: Partial<NodeStatus> = {}): FrameFacts {
  return { status: { ...aNodeStatus(), ...changes }, samples: samples(360), sampleIntervalMs: 10_000 }
}

const troubled = {
  health: 'not-serving',
  problems: [
    problem('STORAGE_NOT_WRITABLE', `Messages cannot be written: ${'/a/long/path'.repeat(20)}`),
    problem('CHAIN_UNREACHABLE', 'The chain cannot be followed'),
    problem('CLOCK_OFF', 'The clock is off'),
    problem('LOG_ERRORS', 'Errors were logged'),
  ],
} as const

test('a terminal of 80 by 24 shows all of it', () => {
  for (const shown of [facts(), facts(troubled)]) {
    const lines = frame(shown, SMALL, plain)
    expect(lines.length).toBeLessThanOrEqual(SMALL.rows)
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(SMALL.columns)
    const text = lines.join('\n')
    for (const part of ['Requests', 'Swarm', 'Storage', 'Stake', 'Chain', 'Tests', 'Process']) {
      expect(text).toContain(part)
    }
  }
})

test('problems come first, the worst of them on top, each with its command even where its reason is too long', () => {
  const [, verdict, ...lines] = frame(facts(troubled), SMALL, plain)
  expect(verdict).toBe('■ Not serving')
  expect(lines[0]).toMatch(/^■ Storage Messages cannot be written.*… {2}starling doctor$/)
  expect(lines[1]).toMatch(/^▲ Chain The chain cannot be followed {2}starling doctor$/)
  expect(lines[3]).toBe('  and 1 more: starling status')
})

test('a wide terminal shows more of the hour, a tiny one keeps what matters most', () => {
  const widthOf = (columns: number) =>
    Math.max(...frame(facts(), { columns, rows: 40 }, plain).map((line) => (line.match(/[▁-█]/g) ?? []).length))
  expect(widthOf(200)).toBeGreaterThan(widthOf(80) + 100)
  expect(frame(facts(troubled), { columns: 20, rows: 3 }, plain)).toHaveLength(3)
  for (const line of frame(facts(troubled), { columns: 20, rows: 3 }, plain)) {
    expect([...line].length).toBeLessThanOrEqual(20)
  }
})

test('whatever is missing keeps none of the others back', () => {
  const whole = aNodeStatus()
  for (const name of SECTION_NAMES) {
    const sections = { ...whole.sections, [name]: { state: 'silent', reason: 'It does not answer in time' } }
    expect(frame(facts({ sections: sections as StatusSections }), SMALL, plain).join('\n')).toContain('Requests')
  }
  const nothing = Object.fromEntries(SECTION_NAMES.map((name) => [name, { state: 'absent', reason: 'Not begun' }]))
  const lines = frame({ ...facts({ sections: nothing as StatusSections }), samples: [] }, SMALL, plain)
  expect(lines.join('\n')).toContain('Stake       Not begun')
})

test('where the node took no samples there is a gap', () => {
  const [before, after] = [samples(3), samples(3)]
  const gapped = [...before, ...after.map((sample, at) => ({ ...sample, atMs: 50_000 + at * 10_000 }))]
  const line = frame({ ...facts(), samples: gapped }, SMALL, plain).find((text) => text.startsWith('Stored'))
  expect(line).toMatch(/███ {2}███$/)
})

test('a node that does not answer any more is said to have stopped answering, and when', () => {
  const [, line] = frame({ ...facts(), silentSinceMs: Date.UTC(2026, 10, 23, 14, 3, 22) }, SMALL, plain)
  expect(line).toBe('■ This node has not answered since 14:03:22 UTC')
})

test('with colours it says the same', () => {
  const coloured = frame(facts(troubled), SMALL, painter(true))
  expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(frame(facts(troubled), SMALL, plain))
  expect(coloured.join('')).toContain('\u001b[31m')
})

test('what others named does not rule the terminal', () => {
  const problems = [problem('CHAIN_UNREACHABLE', 'evil.example\u001b[2J\u009b2J\u202e\nsaid so')]
  const text = frame(facts({ problems }), SMALL, plain).join('')
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(text).toContain('evil.example?[2J')
})

test('colours go to terminals only, and not against the wish of NO_COLOR', () => {
  const terminal = { isTTY: true }
  expect(wantsColour(terminal, { TERM: 'xterm' })).toBe(true)
  expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '' })).toBe(true)
  expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false)
  expect(wantsColour(terminal, { TERM: 'dumb' })).toBe(false)
  expect(wantsColour({}, { TERM: 'xterm' })).toBe(false)
})
