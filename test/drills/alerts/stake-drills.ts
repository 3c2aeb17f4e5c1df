import { setTimeout as delay } from 'node:timers/promises'
import { callNode } from '../../../devnet/node-request.ts'
import type { StakingChain } from '../../../devnet/stakes.ts'
import { membersOnChain } from '../../../devnet/swarms.ts'
import { SECOND, systemClock } from '../../../src/base/clock.ts'
import { createMemoryJournal } from '../../../src/staking/operator/journal.ts'
import { sendCall } from '../../../src/staking/operator/sender.ts'
import { requestExitCall } from '../../../src/staking/operator/staking-calls.ts'
import { createOperatorAccount } from '../../../src/staking/operator-account.ts'
import { eventually } from '../../support/eventually.ts'
import { readReadiness } from '../../support/node-metrics.ts'
import { repeatedly } from '../repeatedly.ts'
import type { Drill } from './drill.ts'
import type { Field } from './field.ts'

const ASK_EVERY_MS = 200

/** A node without a stake, which gets one, and leaves again. In this order. */
export const stakeDrills = [
  {
    fault: 'a node runs without a stake, and clients ask it',
    node: 'newcomer',
    alerts: ['StarlingStakeLost', 'StarlingNotReady', 'StarlingRefusesClients'],
    async provoke({ newcomer: { node } }) {
      node.runner.start()
      await eventually('the node tells that it is not ready', async () =>
        (await readReadiness(node)).ready ? undefined : true,
      )
      return askAllTheTime(node)
    },
    async mend({ devnet, newcomer: { node, operator } }) {
      await devnet.chain.register(operator)
      await eventually('the node is ready', async () => (await readReadiness(node)).ready || undefined)
    },
  },
  {
    fault: 'the exit of the node is requested; it runs on, and is taken from the targets',
    node: 'newcomer',
    alerts: ['StarlingStakeLeaving'],
    async provoke(field) {
      await requestExit(field)
      return undefined
    },
    async mend(field) {
      field.scrapeAllBut(field.newcomer.node)
    },
  },
] as const satisfies readonly Drill[]

function askAllTheTime(node: Field['newcomer']['node']): AsyncDisposable {
  return repeatedly(1, async () => {
    await callNode(node, 'info', {}).catch(() => {})
    await delay(ASK_EVERY_MS)
  })
}

async function requestExit({ devnet, newcomer }: Field): Promise<void> {
  const { anvil, deployment }: StakingChain = devnet.chain
  const target = { chainId: anvil.chainId, contract: deployment.rewards, rpcUrl: anvil.rpcUrl }
  const limits = { requestTimeoutMs: 20 * SECOND, replyMaxBytes: 4 * 1024 * 1024 }
  const account = createOperatorAccount(newcomer.operator.privateKey, { ...target, ...limits })
  const own = (await membersOnChain(devnet.chain)).find(({ key }) => key === newcomer.node.key)
  if (own === undefined) throw new Error('The newcomer is no member')
  const components = { journal: createMemoryJournal(), clock: systemClock }
  await sendCall(account, components, requestExitCall(deployment.rewards, own.id))
}
