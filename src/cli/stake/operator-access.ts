import { getAddress, isAddress } from 'viem'
import type { Hex } from '../../staking/chain-reply.ts'
import {
  createOperatorAccount,
  createOperatorView,
  type OperatorAccount,
  type OperatorAccountOptions,
  type OperatorView,
} from '../../staking/operator-account.ts'
import { CommandError } from '../command-outcome.ts'
import { CONTRACT_ADDRESS, OptionsError } from '../options/check.ts'
import { readOperatorAccount, readOperatorKey } from './operator-key.ts'
import type { MoneyArgs } from './options.ts'

/** Who the operator is, and its key if one was given. */
export interface OperatorAccess {
  readonly view: (options: OperatorAccountOptions) => OperatorView
  /** Undefined when the account signs elsewhere. */
  readonly account: ((options: OperatorAccountOptions) => OperatorAccount) | undefined
}

/**
 * The operator of a money command. Its key is only read when there is a flag for it.
 * @throws {CommandError} OPERATOR_UNKNOWN
 * @throws {OptionsError} OPTION_INVALID
 * @throws {SecretFileError} @throws {KeystoreError} @throws {PassphraseError}
 */
export async function operatorOf(args: MoneyArgs): Promise<OperatorAccess> {
  const privateKey = await privateKeyOf(args)
  const address = args.operator === undefined ? undefined : addressOf(args.operator)
  if (privateKey !== undefined) {
    const account = (options: OperatorAccountOptions) => {
      const made = createOperatorAccount(privateKey, options)
      if (address !== undefined && made.address !== address) {
        throw new OptionsError('OPTION_INVALID', '--operator is not the address of the key that was given')
      }
      return made
    }
    return { view: account, account }
  }
  if (args.send) throw unknownOperator('To send, a key is needed: --keystore FILE')
  if (address === undefined) throw unknownOperator('Whose account is it? Give --operator 0x…, or --keystore FILE')
  return { view: (options) => createOperatorView(address, options), account: undefined }
}

/** An address with capitals carries a checksum (ERC-55), which tells a typing error. */
export function addressOf(text: string): Hex {
  if (isAddress(text, { strict: true })) return getAddress(text)
  const wanted = CONTRACT_ADDRESS.accepts(text) ? 'its capitals and small letters do not fit' : CONTRACT_ADDRESS.wanted
  throw new OptionsError('OPTION_INVALID', `${text.slice(0, 64)} is no address: ${wanted}`)
}

async function privateKeyOf(args: MoneyArgs): Promise<Hex | undefined> {
  const keyFile = args['operator-key-file']
  if (args.keystore !== undefined && keyFile !== undefined) {
    throw new OptionsError('OPTION_INVALID', 'Give --keystore or --operator-key-file, not both')
  }
  if (keyFile !== undefined) return await readOperatorKey(keyFile)
  if (args.keystore === undefined) return undefined
  const source = { keystore: args.keystore, passphraseFile: args['passphrase-file'] }
  return (await readOperatorAccount(source)).privateKey
}

function unknownOperator(message: string): CommandError {
  return new CommandError('OPERATOR_UNKNOWN', message)
}
