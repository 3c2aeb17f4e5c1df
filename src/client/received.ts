import type { TimestampMs } from '../base/clock.ts'
import type { AccountId } from '../protocol/account.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { MessageHash, StoredMessage } from '../protocol/message.ts'
import type { Account } from './account.ts'
import { openEnvelope } from './envelope.ts'

export interface ReceivedMessage {
  readonly hash: MessageHash
  /** Proved by the sender's signature. */
  readonly from: AccountId
  readonly text: string
  /** By the sender's clock. */
  readonly sentMs: TimestampMs
  /** When the swarm forgets it. */
  readonly expiryMs: TimestampMs
}

export interface Received {
  /** Oldest first, by the senders' clocks. */
  readonly messages: readonly ReceivedMessage[]
  /** Messages that are not sealed to this account by a Starling client. Anybody can store them. */
  readonly unreadable: number
}

/** Opens what a client stored for this account. */
export function openReceived(stored: readonly StoredMessage[], account: Account): Received {
  const messages = stored.flatMap((message) => openOne(message, account) ?? [])
  messages.sort((a, b) => a.sentMs - b.sentMs || (a.hash < b.hash ? -1 : 1))
  return { messages, unreadable: stored.length - messages.length }
}

function openOne({ hash, data, expiryMs }: StoredMessage, account: Account): ReceivedMessage | undefined {
  try {
    const { sender, text, sentMs } = openEnvelope(data, account)
    return { hash, from: sender, text, sentMs, expiryMs }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
