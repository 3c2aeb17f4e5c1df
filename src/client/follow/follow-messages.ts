import { ClientError } from '../errors.ts'
import type { Network } from '../network.ts'
import type { Signer } from '../signer.ts'
import { defaultFollowOptions, type FollowComponents, type Followed, Follower, type FollowOptions } from './follow.ts'
import type { OpenWatch, Watched } from './member-watch.ts'
import { createSocketWatch, defaultSocketWatchOptions } from './socket-watch.ts'
import { createWaitWatch } from './wait-watch.ts'

export interface FollowMessagesComponents
  extends Pick<Network, 'clock' | 'nodes' | 'openWebSocket' | 'pool' | 'random' | 'swarms' | 'systemTime' | 'untimed'>,
    Pick<FollowComponents, 'receive'>,
    Pick<Watched, 'lastHashOf' | 'signer'> {
  readonly signer: Signer
  /** Aborts when the client is disposed of. */
  readonly closing: AbortSignal
}

/** Follows an account with the parts of a client. */
export async function* followMessages(
  components: FollowMessagesComponents,
  options: FollowOptions,
): AsyncGenerator<Followed, never> {
  const { closing, lastHashOf, nodes, signer, systemTime } = components
  const given = options.namespaces ?? defaultFollowOptions.namespaces
  const namespaces = [...new Set(given)].toSorted((a, b) => a - b)
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

function throughHops({ clock, swarms, untimed }: FollowMessagesComponents): OpenWatch {
  return createWaitWatch({ onion: untimed, swarms, clock })
}

function openDirectly({ clock, openWebSocket, swarms }: FollowMessagesComponents): OpenWatch {
  if (openWebSocket === undefined) {
    throw new ClientError('MONITOR_UNAVAILABLE', 'The transport of this client opens no WebSockets')
  }
  return createSocketWatch({ openWebSocket, swarms, clock }, defaultSocketWatchOptions)
}
