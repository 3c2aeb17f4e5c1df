import type { AccountInboxes } from '../account-inboxes.ts'
import { ClientError } from '../errors.ts'
import type { Network } from '../network.ts'
import type { Signer } from '../signer.ts'
import { type FollowAccountOptions, type FollowComponents, Follower } from './follow.ts'
import type { OpenWatch, Watched } from './member-watch.ts'
import { createSocketWatch, defaultSocketWatchOptions } from './socket-watch.ts'
import { createWaitWatch } from './wait-watch.ts'

type NetworkParts = Pick<
  Network,
  'clock' | 'nodes' | 'openWebSocket' | 'pool' | 'random' | 'swarms' | 'systemTime' | 'untimed'
>

export interface FollowMessagesComponents<News> extends NetworkParts, Pick<FollowComponents<News>, 'receive'> {
  readonly signer: Signer
  /** Where `receive` has come to. */
  readonly inboxes: Pick<AccountInboxes, 'lastHashOf'>
  /** Aborts when the client is disposed of. */
  readonly closing: AbortSignal
}

/** Follows an account with the parts of a client. */
export async function* followMessages<News>(
  components: FollowMessagesComponents<News>,
  options: FollowAccountOptions,
): AsyncGenerator<News, never> {
  const { closing, inboxes, nodes, signer, systemTime } = components
  const lastHashOf: Watched['lastHashOf'] = (member, namespace) => inboxes.lastHashOf(member, namespace)
  const namespaces = [...new Set(options.namespaces)].toSorted((a, b) => a - b)
  const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal])
  const open = options.directly === true ? openDirectly(components) : throughHops(components)
  const ready = async (stop: AbortSignal) => void (await nodes.ready(stop))
  const follower = new Follower(
    { ...components, clock: systemTime, open, ready },
    { signer, namespaces, lastHashOf },
    options,
  )
  return yield* follower.run(signal)
}

function throughHops({ clock, swarms, untimed }: NetworkParts): OpenWatch {
  return createWaitWatch({ onion: untimed, swarms, clock })
}

function openDirectly({ clock, openWebSocket, swarms }: NetworkParts): OpenWatch {
  if (openWebSocket === undefined) {
    throw new ClientError('MONITOR_UNAVAILABLE', 'The transport of this client opens no WebSockets')
  }
  return createSocketWatch({ openWebSocket, swarms, clock }, defaultSocketWatchOptions)
}
