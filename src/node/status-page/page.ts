import { shortKey, timeOfDay } from '../../base/figures.ts'
import type { NodeStatus } from '../status.ts'
import { card, guarded, type PageContext } from './card.ts'
import { chain } from './chain.ts'
import { type Html, html } from './html.ts'
import { machine } from './machine.ts'
import { nodeTests } from './node-tests.ts'
import { headline, keyFigures, problemList, verdict } from './overview.ts'
import { stake } from './stake.ts'
import { storage } from './storage.ts'
import { swarm } from './swarm.ts'
import type { SwarmPicture } from './swarm-picture.ts'
import { traffic } from './traffic.ts'

export interface PageFacts {
  readonly status: NodeStatus
  /** Undefined while this node is in no swarm, or does not know. */
  readonly swarm?: SwarmPicture | undefined
}

/** The whole page. Everything in it is there without its script, which only replaces the parts that have changed. */
export function statusPage({ status, swarm: picture }: PageFacts, context: PageContext): Html {
  const { sections, takenAtMs } = status
  const node = sections.node.state === 'known' ? sections.node.facts : undefined
  const name = guarded(() => shortKey(node?.key ?? 'unknown node'), 'unknown node', context)
  const [standing, sentence] = headline(status)
  return html`<!doctype html>
<html lang="en" data-starling="${node?.starling ?? ''}" data-taken-at="${takenAtMs}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${sentence} · Starling ${name}</title>
<link rel="icon" href="/${standing}.svg" type="image/svg+xml">
<link rel="stylesheet" href="/status.css">
<script src="/status.js" defer></script>
<noscript><meta http-equiv="refresh" content="10"></noscript>
</head>
<body>
<header><h1>Starling</h1><p data-part="name"><code class="key">${name}</code></p><p class="live" id="live"><i class="pulse" aria-hidden="true"></i><span>As of ${timeOfDay(takenAtMs)}</span></p></header>
<div class="stopped" id="stopped" role="alert" hidden><p class="headline"></p><p>What is below is from then. If the node should run, type <code>starling status</code></p></div>
<main>
<section class="overview" aria-label="Overview"><div data-part="verdict" role="status">${verdict(status)}</div><div data-part="problems">${problemList(status)}</div><div data-part="figures">${keyFigures(status, context)}</div></section>
${card('traffic', 'Traffic', sections.traffic, () => traffic(context), context)}
<div class="column">
${card('swarm', 'Swarm', sections.swarm, (facts) => swarm(facts, picture, context), context)}
${card('stake', 'Stake', sections.stake, (facts) => stake(facts, sections.rewards, context), context)}
${card('tests', 'Tests by other nodes', sections.nodeTests, nodeTests, context)}
</div>
<div class="column">
${card('storage', 'Storage', sections.storage, (facts) => storage(facts, context), context)}
${card('chain', 'Chain', sections.chain, (facts) => chain(facts, context), context)}
${card('machine', 'Process', sections.node, (facts) => machine(facts, context), context)}
</div>
</main>
<footer><p>Counts only: nothing here tells who writes to whom. In a terminal: <code>starling status</code>, <code>starling top</code>. For machines: <a href="/metrics">metrics</a>, <a href="/readyz">readiness</a>.</p></footer>
</body>
</html>
`
}
