import { count, duration, shortKey } from '../../base/figures.ts'
import type { ChainFacts, ProviderFacts } from '../status.ts'
import { facts, mark, type PageContext, type Standing } from './card.ts'
import { type Html, html, join } from './html.ts'

const STANDING_WORDS: Readonly<Record<ChainFacts['standing'], readonly [Standing, string]>> = {
  full: ['good', 'Providers agree'],
  'without-spare': ['warning', 'Providers agree, with none to spare'],
  'on-backup': ['warning', 'On backup providers'],
  'too-few': ['bad', 'Too few providers to agree'],
  // Whether that is a trouble depends on whose it is; the node says so where it is.
  'trusting-one': ['idle', 'One provider alone is believed'],
}

export function chain(held: ChainFacts, { nowMs }: PageContext): Html {
  const { chainId, contract, standing, finalizedBlock, lagMs, isFrozen, lastSuccessMs, lastError, providers } = held
  const [how, words] = STANDING_WORDS[standing]
  const age = lagMs === null ? '' : `, ${duration(lagMs)} old`
  return html`<p class="state">${mark(isFrozen ? 'bad' : how)}<b>${isFrozen ? 'Nothing becomes final' : words}</b></p>
${facts([
  ['Newest final block', finalizedBlock === null ? 'not known' : `${count(finalizedBlock)}${age}`],
  ['Last read', lastSuccessMs === null ? 'never' : `${duration(nowMs - lastSuccessMs)} ago`],
  ['Last error', lastError ?? undefined],
  ['Contract', html`<code class="key">${shortKey(contract)}</code> on chain ${chainId}`],
])}
<ul class="rows">${join(providers.map(providerRow))}</ul>`
}

/** That one of them fares badly is no trouble in itself: the verdict says when it is. */
function providerRow({ host, isHealthy, role, lastError, headBlock }: ProviderFacts): Html {
  const standing: Standing = isHealthy ? 'good' : 'warning'
  const told = lastError ?? (headBlock === null ? 'not asked yet' : `at block ${count(headBlock)}`)
  return html`<li>${mark(standing)}<span class="name">${host}</span><span class="soft">${ROLES[role] ?? role}, ${told}</span></li>`
}

const ROLES: Readonly<Record<string, string>> = { used: 'in use', spare: 'standing by', aside: 'set aside' }
