import { SECOND } from '../../base/clock.ts'
import type { ClientError, Received, ReceivedMessage } from '../../client/index.ts'
import { type CommandOutcome, jsonLine } from '../command-outcome.ts'
import { readAccount } from './account-file.ts'
import { refuseOutOfRange } from './errors.ts'
import { openClient } from './network-client.ts'
import type { ReceiveArgs } from './options.ts'

const INTERVAL_S = { min: 0.1, max: 3600 }

export interface FollowOutput {
  /** Takes each message as it comes. */
  message(line: string): void
  /** Takes what the user should know meanwhile. */
  notice(line: string): void
}

/** Everything that the network holds for the account. */
export async function receiveMessages(args: ReceiveArgs): Promise<CommandOutcome> {
  const account = await readAccount(args.account)
  await using client = openClient(args, account)
  const { messages, unreadable } = await client.receiveMessages()
  const lines = messages.map(lineOf)
  return {
    result: { messages: messages.map(jsonOf), unreadable },
    lines: [...(lines.length > 0 ? lines : ['No messages.']), ...unreadableLines(unreadable)],
  }
}

/** As above, and then what arrives until `signal` aborts. The first question must succeed; later ones may fail. */
export async function followMessages(
  args: ReceiveArgs,
  output: FollowOutput,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  refuseOutOfRange('interval', args.interval, INTERVAL_S)
  const account = await readAccount(args.account)
  await using client = openClient(args, account)
  const total = { received: 0, unreadable: 0 }
  const take = ({ messages, unreadable }: Received) => {
    total.received += messages.length
    total.unreadable += unreadable
    for (const message of messages) output.message(args.json ? jsonLine(jsonOf(message)) : lineOf(message))
  }
  const onTrouble = (error: ClientError) => notify(error, args, output)
  const options = { signal, intervalMs: args.interval * SECOND, directly: args.direct, onTrouble }
  try {
    for await (const received of client.follow(options)) take(received)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return {
    result: { stopped: true, ...total },
    lines: [`Stopped after ${total.received} messages.`, ...unreadableLines(total.unreadable)],
  }
}

/** A network that is away may come back. That nobody tells of messages matters only to who wished for it. */
function notify(error: ClientError, { direct }: ReceiveArgs, output: FollowOutput): void {
  if (error.code !== 'MONITOR_UNAVAILABLE' || direct) output.notice(`${error.message}; asking again`)
}

function jsonOf({ hash, from, text, sentMs, expiryMs }: ReceivedMessage): Readonly<Record<string, unknown>> {
  return { hash, from, text, sentMs, expiryMs }
}

/** What would move the cursor or turn the direction of text around. */
const UNSAFE = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu

/** Control characters are shown, not obeyed: a sender must not be able to rule the recipient's terminal. */
function lineOf({ from, text, sentMs }: ReceivedMessage): string {
  const visible = text.replace(/\n/g, '\n  ').replace(UNSAFE, visibleCharacter)
  return `${timeText(sentMs)} ${from}\n  ${visible}`
}

function visibleCharacter(char: string): string {
  return `\\u{${char.codePointAt(0)?.toString(16)}}`
}

/** A sender can claim any time at all. */
function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? 'at no known time' : date.toISOString()
}

function unreadableLines(unreadable: number): readonly string[] {
  return unreadable === 0
    ? []
    : [`${unreadable} more could not be read: no Starling client wrote them to this account.`]
}
