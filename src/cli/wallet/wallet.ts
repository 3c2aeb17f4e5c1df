import { basename, resolve } from 'node:path'
import { randomPrivateKey } from 'ox/Secp256k1'
import { refuseExistingFile } from '../../node/secret-file.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { readNewPassphrase } from '../passphrase-source.ts'
import { readPrivateKeyFile } from '../stake/operator-key.ts'
import type { ImportWalletArgs, WalletArgs } from './options.ts'
import { type Address, createWalletFile, readWallet } from './wallet-file.ts'

const LOSS =
  'Keep copies of the file, and the passphrase elsewhere: without both, the account and all that it owns cannot be had back.'

export async function createWallet(args: WalletArgs): Promise<CommandOutcome> {
  await refuseExistingFile(resolve(args.keystore))
  const privateKey = randomPrivateKey({ as: 'Bytes' })
  const address = await sealedIn(args, privateKey)
  return {
    result: { created: true, keystore: resolve(args.keystore), address },
    lines: [
      `Created an account in ${resolve(args.keystore)}. Its address:`,
      address,
      LOSS,
      `Next: send it what the stake takes, and ether for gas; then starling stake register --keystore ${args.keystore}`,
    ],
  }
}

export async function importWallet(args: ImportWalletArgs): Promise<CommandOutcome> {
  await refuseExistingFile(resolve(args.keystore))
  const address = await sealedIn(args, await readPrivateKeyFile(args['private-key-file']))
  return {
    result: { imported: true, keystore: resolve(args.keystore), address },
    lines: [
      `Imported an account into ${resolve(args.keystore)}. Its address:`,
      address,
      LOSS,
      `${args['private-key-file']} still holds the key for everyone who reads it: delete it when the keystore is safe.`,
    ],
  }
}

export async function showWallet(args: WalletArgs): Promise<CommandOutcome> {
  const { address, privateKey } = await readWallet({
    keystore: args.keystore,
    passphraseFile: args['passphrase-file'],
  })
  privateKey.fill(0)
  return { result: { keystore: resolve(args.keystore), address }, lines: [address] }
}

/** Wipes the key. */
async function sealedIn(args: WalletArgs, privateKey: Uint8Array): Promise<Address> {
  const path = resolve(args.keystore)
  try {
    const passphrase = await readNewPassphrase({ file: args['passphrase-file'], subject: basename(path) })
    try {
      return await createWalletFile(path, privateKey, passphrase)
    } finally {
      passphrase.fill(0)
    }
  } finally {
    privateKey.fill(0)
  }
}
