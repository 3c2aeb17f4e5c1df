import { jsonFlag } from '../keys/options.ts'
import { passphraseFileFlag } from '../passphrase-source.ts'

export interface WalletArgs {
  readonly keystore: string
  readonly 'passphrase-file': string | undefined
  readonly json: boolean
}

export interface ImportWalletArgs extends WalletArgs {
  readonly 'private-key-file': string
}

export const walletFlags = {
  keystore: {
    type: 'string',
    describe: 'File with the account, sealed with the passphrase (Web3 secret storage, version 3)',
    demandOption: true,
    requiresArg: true,
  },
  'passphrase-file': passphraseFileFlag,
  json: jsonFlag,
} as const

export const importWalletFlags = {
  ...walletFlags,
  'private-key-file': {
    type: 'string',
    describe: 'File with the private key as 64 hex digits, which only you can read; it is left as it is',
    demandOption: true,
    requiresArg: true,
  },
} as const
