import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import type { Namespace } from '../protocol/namespace.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import type { CallOptions, CallRunner } from './call-runner.ts'
import { retrieveAfterCall } from './calls/retrieve.ts'
import { Inbox } from './inbox.ts'
import type { Network } from './network.ts'
import type { Signer } from './signer.ts'

export interface AccountInboxesComponents {
  readonly network: Pick<Network, 'clock' | 'requester'>
  readonly runner: CallRunner
}

/** What has been read of an account, in each of its namespaces. */
export class AccountInboxes {
  readonly #components: AccountInboxesComponents
  readonly #signer: Signer
  readonly #inboxes = new Map<Namespace, Inbox>()

  constructor(components: AccountInboxesComponents, signer: Signer) {
    this.#components = components
    this.#signer = signer
  }

  lastHashOf(member: ServiceNodeKey, namespace: Namespace): MessageHash | undefined {
    return this.#inboxOf(namespace).lastHashOf(member)
  }

  /** What no earlier call has returned, from the member `first`, if that is given and answers. */
  async receive(
    namespace: Namespace,
    first: ServiceNodeKey | undefined,
    options: CallOptions,
  ): Promise<readonly StoredMessage[]> {
    const { network, runner } = this.#components
    const inbox = this.#inboxOf(namespace)
    await runner.run(options, (signal) =>
      inbox.read(
        (afterOf, member) => {
          const query = { namespace, ...(member !== undefined && { member }) }
          return network.requester.ask(retrieveAfterCall(query, afterOf, this.#signer), signal)
        },
        network.clock.nowMs(),
        first,
      ),
    )
    // Only here it is certain that the caller gets them.
    return inbox.take()
  }

  #inboxOf(namespace: Namespace): Inbox {
    const inbox = this.#inboxes.get(namespace) ?? new Inbox()
    this.#inboxes.set(namespace, inbox)
    return inbox
  }
}
