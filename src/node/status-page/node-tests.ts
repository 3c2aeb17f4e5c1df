import { count, counted } from '../../base/figures.ts'
import type { NodeTestsFacts } from '../status.ts'
import { facts, mark } from './card.ts'
import { type Html, html, join } from './html.ts'

type Test = keyof NodeTestsFacts['standings']

const TESTS: Readonly<Record<Test, string>> = {
  https: 'Port for clients',
  libp2p: 'Port for service nodes',
  storage: 'Proof of what is kept',
}

export function nodeTests({ standings, failing, isInDoubt, clock }: NodeTestsFacts): Html {
  const rows = (Object.keys(TESTS) as Test[]).map((test) => {
    const { testers, failing: against } = standings[test]
    if (testers === 0)
      return html`<li>${mark('idle')}<span class="name">${TESTS[test]}</span><span class="soft">nobody has told yet</span></li>`
    const standing = against === 0 ? 'good' : 2 * against > testers ? 'bad' : 'warning'
    return html`<li>${mark(standing)}<span class="name">${TESTS[test]}</span><span class="soft">passed with ${count(testers - against)} of ${counted(testers, 'tester')}</span></li>`
  })
  const others = (Object.keys(TESTS) as Test[]).reduce((most, test) => Math.max(most, failing[test]), 0)
  return html`<ul class="rows">${join(rows)}</ul>${facts([
    ['Members that fail here', count(others)],
    ['This node', isInDoubt ? html`${mark('bad')}may be cut off` : undefined],
    ['Clock', clockText(clock)],
  ])}`
}

function clockText({ aheadMs, samples }: NodeTestsFacts['clock']): string {
  if (aheadMs === null) return `not compared yet (${counted(samples, 'other clock')})`
  const seconds = Math.abs(aheadMs) / 1000
  const off = seconds < 1 ? 'right within a second' : `${seconds.toFixed(1)} s ${aheadMs > 0 ? 'ahead' : 'behind'}`
  return `${off}, by ${counted(samples, 'other clock')}`
}
