// 1,000 accounts in a swarm of five: one member tells 1,000 clients of new messages over a WebSocket each, another is asked by as many
// every 5 s, as Session's clients ask. Both at the same time and with the same messages, so what else the machine does hits both. A third
// member has no clients at all, and so shows what it takes to be a member and keep these messages.
import { randomBytes } from 'node:crypto'
import { DAY, SECOND } from '../src/base/clock.ts'
import type { Account } from '../src/client/account.ts'
import { storeRequest } from '../src/client/signed-params.ts'
import { encodeEnvelope } from '../src/protocol/client-api/envelope.ts'
import { pidOf, startClientNetwork, targetOf } from './client-network.ts'
import { createAccounts } from './client-requests.ts'
import { ConnectionPool } from './connection-pool.ts'
import { PollingFollowers, PushFollowers } from './followers.ts'
import { paced } from './paced.ts'
import { processorSeconds } from './processor-time.ts'
import type { Benchmark } from './ratio.ts'

const ACCOUNTS = 1_000
/** From one heartbeat of a WebSocket to the next, so that each has one. */
const SPAN_MS = 30 * SECOND
const POLL_EVERY_MS = 5 * SECOND
/** Messages come until whoever asks has just time to hear of the last one. */
const SENDING_MS = SPAN_MS - POLL_EVERY_MS - SECOND
/** An account has one every 100 s. */
const MESSAGE_EVERY_MS = SECOND / 10
const MESSAGE_BYTES = 1024
const SENDING_CONNECTIONS = 2
/** The smallest time that is told apart. */
const TICK_S = 0.01

export const benchmark: Benchmark = {
  name: 'push',
  async run() {
    await using network = await startClientNetwork()
    const [entry, telling, asked, idle] = network.nodes
    const accounts = createAccounts(ACCOUNTS)
    using told = await PushFollowers.open(targetOf(telling), accounts)
    using asking = new PollingFollowers(targetOf(asked), accounts)
    using sending = new ConnectionPool(targetOf(entry), SENDING_CONNECTIONS)

    const usedS = () => [telling, asked, idle].map((node) => processorSeconds([pidOf(node)]))
    const before = usedS()
    const [stored] = await Promise.all([send(sending, accounts), asking.run(POLL_EVERY_MS, SPAN_MS)])
    const [pushS = 0, pollingS = 0, idleS = 0] = usedS().map((seconds, at) => seconds - (before[at] ?? 0))
    requireHeard(stored, await told.heard(), 'told')
    requireHeard(stored, asking.heard(), 'asking')

    const name = `${ACCOUNTS.toLocaleString('en')} accounts followed for ${SPAN_MS / SECOND} s by push`
    const limitName = `asking every ${POLL_EVERY_MS / SECOND} s`
    const beyond = (seconds: number) => Math.max(TICK_S, seconds - idleS)
    return [
      { name, limitName, ours: pushS, limit: pollingS, unit: 'CPU s', goal: 3 },
      {
        name: `${name}: beyond what a member without clients takes`,
        limitName,
        ours: beyond(pushS),
        limit: beyond(pollingS),
        unit: 'CPU s',
        goal: 10,
      },
    ]
  },
}

/** Messages to the accounts in turn, into the hands of a member that nobody follows. Their hashes. */
async function send(connections: ConnectionPool, accounts: readonly Account[]): Promise<readonly string[]> {
  const hashes: string[] = []
  await paced(MESSAGE_EVERY_MS, SENDING_MS, async (turn) => {
    const account = accounts[turn % accounts.length]
    if (account === undefined) return
    const data = randomBytes(MESSAGE_BYTES)
    const message = { account: account.id, namespace: 0, data, timestampMs: Date.now(), ttlMs: DAY }
    const answer = await connections.ask(encodeEnvelope(storeRequest(message, undefined)))
    hashes.push(JSON.parse(answer.toString()).hash)
  })
  return hashes
}

/** A way that misses messages would be cheap. */
function requireHeard(stored: readonly string[], heard: ReadonlySet<string>, who: string): void {
  const missed = stored.filter((hash) => !heard.has(hash)).length
  if (missed > 0) throw new Error(`Of ${stored.length} messages, clients that are ${who} have missed ${missed}`)
}
