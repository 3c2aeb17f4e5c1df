import { expect, test } from 'vitest'
import type { NodeStatus, StatusSections } from '../../../../src/node/status.ts'
import type { PageContext } from '../../../../src/node/status-page/card.ts'
import { statusPage } from '../../../../src/node/status-page/page.ts'
import type { SwarmPicture } from '../../../../src/node/status-page/swarm-picture.ts'
import { SECTION_NAMES } from '../../../../src/node/status-problem-kinds.ts'
import { problem } from '../../../../src/node/status-problems.ts'
import { aNodeStatus, sectionsOf, wellFacts } from '../../../support/node-status.ts'

const DAY_MS = 86_400_000
const KEY = 'ab'.repeat(32)
const swarm: SwarmPicture = {
  swarms: [1n << 62n, 3n << 62n],
  arc: { first: 0n, last: (1n << 63n) - 1n },
  members: [
    { key: KEY, standing: 'self', isConnected: true, latencyMs: null },
    { key: 'cd'.repeat(32), standing: 'passing', isConnected: true, latencyMs: 12.4 },
    { key: 'ef'.repeat(32), standing: 'failing', isConnected: false, latencyMs: null },
  ],
}

function render(status: NodeStatus = aNodeStatus(), picture: SwarmPicture | undefined = swarm) {
  const faults: unknown[] = []
  const context: PageContext = {
    ...{ nowMs: status.takenAtMs, history: [], sampleIntervalMs: 10_000 },
    onFault: (error) => faults.push(error),
  }
  return { text: String(statusPage({ status, swarm: picture }, context)), faults }
}

const withSections = (sections: object): NodeStatus => ({ ...aNodeStatus(), sections: sections as StatusSections })

test('a node that is well is shown with all of its parts', () => {
  const { text, faults } = render()
  expect(faults).toEqual([])
  expect(text).toContain('Serving, and all is well')
  expect(text).not.toMatch(/undefined|null|NaN|\[object/)
  for (const title of ['Traffic', 'Swarm', 'Storage', 'Stake', 'Chain', 'Tests by other nodes', 'Process']) {
    expect(text).toMatch(new RegExp(`<h2 id="[a-z]+-title">${title}</h2>`))
  }
  expect(text).toContain('answers in 12 ms')
})

test('each problem has its reason and what to type next, the worst first', () => {
  const problems = [problem('STORAGE_NOT_WRITABLE', 'Messages cannot be written'), problem('CLOCK_OFF', 'It is late')]
  const { text } = render({ ...aNodeStatus(), health: 'not-serving', problems })
  expect(text).toMatch(/Not serving.*Messages cannot be written\..*starling doctor.*It is late\..*timedatectl/s)
  expect(text).toContain('<title>Not serving · Starling')
})

test('a stake on its way out is counted down', () => {
  const { takenAtMs } = aNodeStatus()
  const facts = wellFacts()
  const dates = {
    requestedMs: takenAtMs - DAY_MS,
    unlockMs: takenAtMs + 2 * DAY_MS,
    liquidateMs: takenAtMs + 9 * DAY_MS,
    exitUnsignedMs: takenAtMs + 30 * DAY_MS,
  }
  const { text } = render(withSections(sectionsOf({ ...facts, stake: { ...facts.stake, state: 'leaving', dates } })))
  expect(text).toMatch(/<b>2 d<\/b> <span class="soft">until: Unlocked/)
  expect(text.match(/<li class="(past|ahead)">/g)).toEqual([
    '<li class="past">',
    ...Array.from({ length: 3 }, () => '<li class="ahead">'),
  ])
})

test('whatever is missing or broken keeps none of the others back', () => {
  const whole = sectionsOf(wellFacts())
  const silent = { state: 'silent', reason: 'It does not answer in time' }
  const broken = { state: 'known', facts: {} }
  for (const name of SECTION_NAMES) {
    for (const section of [silent, broken]) {
      const { text } = render(withSections({ ...whole, [name]: section }), undefined)
      expect(text.match(/<section class="card/g)).toHaveLength(7)
      expect(text).toContain('</html>')
    }
  }
  const nothing = Object.fromEntries(SECTION_NAMES.map((name) => [name, silent]))
  expect(render(withSections(nothing), undefined).faults).toEqual([])
  expect(render(withSections({ ...whole, storage: broken })).faults).toHaveLength(1)
})

test('no text of others becomes markup, and nothing needs what the page may not do', () => {
  const evil = `"><script>alert('1')</script><b style="x" onclick="y">`
  const facts = wellFacts()
  const providers = facts.chain.providers.map((provider) => ({ ...provider, host: evil, lastError: evil }))
  const stake = { ...facts.stake, sentence: evil, nextCommand: evil, id: evil }
  const sections = sectionsOf({ ...facts, stake, chain: { ...facts.chain, providers } })
  const { text } = render({ ...withSections(sections), problems: [problem('CHAIN_UNREACHABLE', evil)] })
  expect(text).toContain('&lt;script&gt;')
  expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/status.js" defer>'])
  expect(text).not.toMatch(/<[^>]*\s(style|on[a-z]+)=/)
  expect(text).not.toMatch(/(src|href)="(?!\/)/)
})
