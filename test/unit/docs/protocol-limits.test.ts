// The numbers in docs/protocol/limits.md are those of the code.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { defaultOnionRelayOptions } from '../../../src/onion-relay/options.ts'
import * as limits from '../../../src/protocol/limits.ts'
import { METADATA_MAX_BYTES } from '../../../src/protocol/onion/combined-payload.ts'
import { defaultRpcOptions as rpc } from '../../../src/rpc/options.ts'
import { defaultStorageOptions as storage } from '../../../src/storage/options.ts'

const rows = readFileSync('docs/protocol/limits.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
const MIB = 1024 * 1024
const { accountRates, memberOpenWriteRate, memberRate, subaccountRates } = rpc

const ROWS: readonly (readonly [row: string, ...numbers: readonly number[]])[] = [
  ['`data` of a message', limits.MESSAGE_DATA_MAX_BYTES, limits.MESSAGE_DATA_MAX_CHARS],
  ['life of a message', limits.TTL_MIN_MS / SECOND, limits.TTL_MAX_PUBLIC_INBOX_MS / DAY, limits.TTL_MAX_MS / DAY],
  ['`timestamp` of a store', limits.STORE_CLOCK_TOLERANCE_MS / SECOND],
  ['end of a store', limits.STORE_CLOCK_TOLERANCE_MS / SECOND],
  ['signed time', limits.SIGNATURE_WINDOW_MS / SECOND, limits.SIGNATURE_WINDOW_FORWARDED_MS / SECOND],
  ['new expiry', limits.TTL_MAX_MS / DAY],
  ['messages of one retrieve', limits.RETRIEVE_SIZE_MAX],
  ['hashes in one', limits.HASHES_MAX],
  ['requests in a `batch`', limits.SUBREQUESTS_MAX, limits.CHAIN_SUBREQUESTS_MAX],
  ['subaccounts revoked at once', limits.REVOCATIONS_MAX],
  ['HTTP body', limits.REQUEST_MAX_BYTES],
  ['JSON', limits.JSON_DEPTH_MAX, limits.JSON_VALUES_MAX],
  ['parameters of a method for a whole swarm', limits.FORWARDED_REQUEST_MAX_BYTES],
  ['metadata of an onion layer', METADATA_MAX_BYTES],
  ['hops of an onion request', limits.ONION_HOPS_MAX],
  ['a member', limits.FORWARD_TIMEOUT_MS / SECOND],
  ['an onion request', defaultOnionRelayOptions.hopTimeoutMs / SECOND],
  ['one address', rpc.rateBurst, rpc.ratePerSecond, rpc.rateAnswerBytes / 1024],
  ['pings and refusals', rpc.freeBurst, rpc.freePerSecond],
  ['new connections of one address', rpc.connectionBurst, rpc.connectionsPerSecond],
  ['one account’s signed reads', accountRates.reads.burst, accountRates.reads.perSecond],
  ['one account’s signed writes', accountRates.writes.burst, accountRates.writes.perSecond],
  ['reads of one account', accountRates.openReads.burst, accountRates.openReads.perSecond],
  ['stores to one account', accountRates.openWrites.burst, accountRates.openWrites.perSecond],
  ['signed reads of one subaccount', subaccountRates.reads.burst, subaccountRates.reads.perSecond],
  ['signed writes of one subaccount', subaccountRates.writes.burst, subaccountRates.writes.perSecond],
  ['what one other member passes on', memberRate.burst, memberRate.perSecond],
  ['of these, unsigned stores', memberOpenWriteRate.burst, memberOpenWriteRate.perSecond],
  ['requests of one address', rpc.requestsPerAddressMax],
  ['requests', rpc.requestsMax],
  ['connections; of one address', rpc.connectionsMax, rpc.connectionsPerAddressMax],
  ['request bodies together', rpc.bodiesMaxBytes / MIB],
  ['answers that clients have not taken', rpc.answersMaxBytes / MIB],
  ['messages read for answers', rpc.retrievedMaxBytes / MIB],
  ['TLS handshake', rpc.handshakeTimeoutMs / SECOND],
  ['head of a request', rpc.headersTimeoutMs / SECOND, rpc.headersMaxBytes / 1024, rpc.headersMax],
  ['body', rpc.bodyWindowMinBytes / 1024, rpc.bodyWindowMs / SECOND, rpc.requestTimeoutMs / SECOND],
  ['a connection without a request', rpc.keepAliveMs / SECOND],
  ['a connection without traffic', rpc.idleTimeoutMs / SECOND],
  ['messages of one account', storage.accountMessagesMax],
]

test.each(ROWS.map(([name, ...numbers]) => ({ name, numbers })))('$name', ({ name, numbers }) => {
  const cells = rows.map((row) => ({ row, first: (row.split(' | ')[0] ?? '').slice(2).replaceAll("'", '’') }))
  const exact = cells.filter(({ first }) => first === name)
  const found = exact.length > 0 ? exact : cells.filter(({ first }) => first.startsWith(name))
  expect(found).toHaveLength(1)
  const shown = [...(found[0]?.row ?? '').matchAll(/\d[\d,]*/g)].map(([text]) => Number(text.replaceAll(',', '')))
  expect(numbers.filter((number) => !shown.includes(number))).toEqual([])
})
