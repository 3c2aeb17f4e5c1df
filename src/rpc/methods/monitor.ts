import type { Clock } from '../../base/clock.ts'
import type { AccountId } from '../../protocol/account.ts'
import type { ClientAnswer } from '../../protocol/client-api/envelope.ts'
import { type MonitorQuery, type MonitorQueryAnswer, parseMonitorParams } from '../../protocol/client-api/monitor.ts'
import { MESSAGE_DATA_MAX_BYTES } from '../../protocol/limits.ts'
import { type Namespace, TEST_SINK } from '../../protocol/namespace.ts'
import type { AccountLimiter } from '../account-limiter.ts'
import type { ByteGate } from '../byte-gate.ts'
import type { Messages } from '../messages.ts'
import { clientOf, type LocalMethod } from '../method.ts'
import { authenticationOf, type MonitorAuthorization } from '../monitor/authorization.ts'
import type { MonitorMetrics, WaitOutcome } from '../monitor/metrics.ts'
import type { Waits } from '../monitor/waits.ts'
import { stamped } from '../network-version.ts'
import type { ServiceNodeDirectory } from '../service-node-directory.ts'

export interface MonitorMethodComponents {
  readonly accounts: AccountLimiter
  readonly authorization: MonitorAuthorization
  readonly clock: Pick<Clock, 'nowMs'>
  readonly directory: Pick<ServiceNodeDirectory, 'wrongSwarm'>
  readonly messages: Pick<Messages, 'retrieve'>
  readonly metrics: { readonly monitor: Pick<MonitorMetrics, 'waits'> }
  readonly monitor: { readonly waits: Waits }
  readonly reading: ByteGate
}

/** Answers once there is something newer than what the client has, or after a while. */
export function createMonitorMethod(components: MonitorMethodComponents): LocalMethod<MonitorQuery> {
  const { accounts, authorization, clock, directory, metrics, monitor } = components

  const refusal = (account: AccountId, request: MonitorQuery): ClientAnswer | undefined => {
    const nowMs = clock.nowMs()
    const elsewhere = directory.wrongSwarm(account, nowMs)
    if (elsewhere === undefined) authorization.check(account, request, nowMs)
    return elsewhere
  }
  /** The clock is read again: the client may have waited for long. */
  const bodyOf = (outcome: WaitOutcome, news: readonly Namespace[]): ClientAnswer => {
    metrics.monitor.waits.inc({ outcome })
    const body: MonitorQueryAnswer = { news, ...(outcome === 'busy' && { busy: true }) }
    return { status: 200, body: stamped(body, clock.nowMs()) }
  }

  return {
    parse: parseMonitorParams,
    async answer(request, call) {
      const account = authorization.accountOf(request)
      const elsewhere = refusal(account, request)
      if (elsewhere !== undefined) return elsewhere
      const user = { account, authentication: authenticationOf(request) }
      accounts.take('reads', user)
      // Each namespace is looked at by itself, so a request costs as much as one retrieve for each.
      const requests = request.namespaces.length
      accounts.charge('reads', user, requests - 1)
      const answer = (outcome: WaitOutcome, news: readonly Namespace[]) => ({ ...bodyOf(outcome, news), requests })

      // The place is taken before the store is asked, so that nothing falls between.
      using wait = monitor.waits.open(account, request.namespaces, call.address)
      const held = await namespacesWithNews(clientOf(call, account), account, request, components)
      if (held.length > 0) return answer('held', held)
      if (wait === undefined) return answer('busy', [])
      const woken = await wait.settled(call.signal)
      if (woken === 'changed') return refusal(account, request) ?? answer('nothing', [])
      return woken === 'nothing' ? answer('nothing', []) : answer('news', [woken])
    },
  }
}

async function namespacesWithNews(
  client: string,
  account: AccountId,
  { namespaces, lastHashes }: MonitorQuery,
  { messages, reading }: MonitorMethodComponents,
): Promise<readonly Namespace[]> {
  const news: Namespace[] = []
  for (const namespace of namespaces) {
    if (namespace === TEST_SINK) continue
    const afterHash = lastHashes.get(namespace)
    const query = { account, namespace, countMax: 1, sizeMax: 1, ...(afterHash !== undefined && { afterHash }) }
    const found = await reading.use(client, MESSAGE_DATA_MAX_BYTES, () => messages.retrieve(query))
    if (found.messages.length > 0) news.push(namespace)
  }
  return news
}
