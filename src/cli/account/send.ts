import { fromUtf8 } from '../../base/bytes.ts'
import { DAY } from '../../base/clock.ts'
import { type AccountId, ClientError, parseAccountId, TEXT_MAX_BYTES } from '../../client/index.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { readAccount } from './account-file.ts'
import { MessageCommandError, refuseOutOfRange } from './errors.ts'
import { openClient } from './network-client.ts'
import type { SendArgs } from './options.ts'

const TTL_DAYS = { min: 0.001, max: 14 }

/** Where the text comes from when it is not an argument: others on this machine can read arguments. */
export type TextInput = AsyncIterable<Uint8Array> & { readonly isTTY?: boolean }

export async function sendMessage(args: SendArgs, input: TextInput): Promise<CommandOutcome> {
  refuseOutOfRange('ttl-days', args['ttl-days'], TTL_DAYS)
  const to = recipientOf(args.to)
  const account = await readAccount(args.account)
  const text = args.text ?? (await readText(input))
  if (text === '') throw new MessageCommandError('TEXT_MISSING', 'There is no text to send')
  await using client = openClient(args, account)
  const { hash, expiryMs, confirmations, members } = await client.sendMessage(to, text, {
    ttlMs: Math.round(args['ttl-days'] * DAY),
  })
  return {
    result: { sent: true, hash, expiryMs, confirmations, members },
    lines: [
      `Sent to ${to}: ${confirmations} of ${members} nodes confirmed that they keep it until ${time(expiryMs)}.`,
      `Message ${hash}`,
    ],
  }
}

function recipientOf(text: string): AccountId {
  const id = parseAccountId(text)
  if (id !== undefined) return id
  throw new MessageCommandError('RECIPIENT_MALFORMED', '--to must be an account id: 05 and 64 more hex digits')
}

async function readText(input: TextInput): Promise<string> {
  if (input.isTTY === true) {
    throw new MessageCommandError('TEXT_MISSING', 'Give the message as the last argument, or through a pipe')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input) {
    size += chunk.length
    if (size > TEXT_MAX_BYTES)
      throw new ClientError('TOO_LARGE', `A message has at most ${TEXT_MAX_BYTES} bytes of text`)
    chunks.push(chunk)
  }
  const text = fromUtf8(Buffer.concat(chunks))
  if (text === undefined) throw new MessageCommandError('TEXT_MALFORMED', 'The text to send must be UTF-8')
  return text.replace(/\n$/, '')
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
