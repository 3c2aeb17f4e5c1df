// Mistakes that the compiler must catch. tsc fails here if one of them ever compiles.
import type { Counter, MetricsRegister } from '../../src/base/metrics.ts'
import { EXIT, type EXIT_MEANINGS, type ExitCode } from '../../src/cli/exit-codes.ts'
import type { OptionGroup } from '../../src/cli/options/option-group.ts'
import type { Member, PartOutcome, StarlingClient, StoreReceipt } from '../../src/client/index.ts'
import type { Ed25519SecretKey, X25519PublicKey } from '../../src/crypto/keys.ts'
import { sign } from '../../src/crypto/signature.ts'
import { type AccountId, parseAccountId } from '../../src/protocol/account.ts'
import type { PARSERS } from '../../src/protocol/client-api/methods.ts'
import type { StoreOutcome } from '../../src/protocol/message.ts'
import type { ServiceNodeKey } from '../../src/protocol/service-node.ts'
import type { REFUSAL_STATUS } from '../../src/rpc/error-response.ts'
import type { createMethodTable } from '../../src/rpc/method-table.ts'
import { StorageError } from '../../src/storage/errors.ts'

declare const stored: Counter<{ outcome: StoreOutcome }>
declare const register: MetricsRegister
// @ts-expect-error a labelled metric takes its labels
stored.inc()
// @ts-expect-error a label takes only its own values
stored.inc({ outcome: 'fulll' })
// @ts-expect-error a metric names the labels that it has
register.counter<{ outcome: StoreOutcome }>({ name: 'starling_test_total', help: 'Tests', labelNames: ['result'] })

// @ts-expect-error every outcome has a response
export const status: Record<StoreOutcome, number> = { new: 200, extended: 200, exists: 200 }

type MethodTable = ReturnType<typeof createMethodTable>
declare const withoutStore: Omit<MethodTable, 'store'>
// @ts-expect-error every method that clients may call has a line in the method table
export const methods: MethodTable = withoutStore
declare const withoutParser: Omit<typeof PARSERS, 'revoked_subaccounts'>
// @ts-expect-error every method in the table has a parser
export const parsers: Record<keyof MethodTable, unknown> = withoutParser
declare const withoutStatus: Omit<typeof REFUSAL_STATUS, 'CLOCK_DIFFERS'>
// @ts-expect-error every refusal has a status
export const statuses: typeof REFUSAL_STATUS = withoutStatus

export const group: OptionGroup<{ port: number }, number> = {
  // @ts-expect-error a flag's type is its argument's type
  flags: { port: { type: 'string', describe: 'Port', default: 1 } },
  parse: (args) => args.port,
}
export const silent: OptionGroup<{ port: number }, number> = {
  // @ts-expect-error a flag has help text
  flags: { port: { type: 'number', default: 1 } },
  parse: (args) => args.port,
}

declare const account: AccountId
declare const node: ServiceNodeKey
declare const openingKey: X25519PublicKey
declare function deliver(to: AccountId): void
// @ts-expect-error text is no account id until it is parsed
deliver('05'.padEnd(66, '0'))
// @ts-expect-error a text that is parsed may be no account id
deliver(parseAccountId('05'))
// @ts-expect-error a service node is not an account
deliver(node)
deliver(account)
// @ts-expect-error only the secret key signs
sign(new Uint8Array(), openingKey)
// @ts-expect-error any bytes are no key
export const secret: Ed25519SecretKey = new Uint8Array(64)

// @ts-expect-error an error has one of its part's codes
export const error = new StorageError('DATABASE_LOKCED', 'Another process has the message database open')

// @ts-expect-error an exit code is one of those that are documented
export const exit: ExitCode = 4711
// @ts-expect-error every exit code has a meaning
export const meanings: typeof EXIT_MEANINGS = { ok: String(EXIT.ok) }

declare const client: StarlingClient
declare const receipt: StoreReceipt
// @ts-expect-error a message is sent to a parsed account id
client.sendMessage('somebody', 'text')
// @ts-expect-error what nodes have signed cannot be changed
receipt.confirmations = 7
declare const member: Member
// @ts-expect-error only the owner of an account revokes passes
client.revocationsOf(member)
declare const outcome: PartOutcome<StoreReceipt>
// @ts-expect-error a part of a batch may have been refused
outcome.value.hash
