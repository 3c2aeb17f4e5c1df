import { DEFAULT_KEYS_FOLDER } from '../config/configuration-file.ts'
import { passphraseFileFlag } from '../passphrase-source.ts'

export interface KeysArgs {
  readonly config?: string | undefined
  readonly 'keys-folder': string | undefined
  readonly json: boolean
}

export interface ImportKeysArgs extends KeysArgs {
  readonly from: string | undefined
  readonly 'ed25519-file': string | undefined
  readonly 'bls-file': string | undefined
}

export interface BackupKeysArgs extends KeysArgs {
  readonly to: string
  readonly 'passphrase-file': string | undefined
}

export interface RestoreKeysArgs extends KeysArgs {
  readonly from: string
  readonly 'passphrase-file': string | undefined
}

export const keysFolderFlag = {
  type: 'string',
  describe: `Folder with this service node's keys, key_ed25519 and key_bls (${DEFAULT_KEYS_FOLDER})`,
  requiresArg: true,
} as const

export const jsonFlag = {
  type: 'boolean',
  describe: 'Print one line of JSON, for scripts',
  default: false,
} as const

const configFlag = {
  type: 'string',
  describe: "The node's configuration file; its folder of keys is taken from it",
  requiresArg: true,
} as const

export const keysFlags = { config: configFlag, 'keys-folder': keysFolderFlag, json: jsonFlag } as const

export const importKeysFlags = {
  ...keysFlags,
  from: {
    type: 'string',
    describe: 'Folder of an existing node with key_ed25519 and key_bls; it is left as it is',
    requiresArg: true,
  },
  'ed25519-file': {
    type: 'string',
    describe: "File with the Ed25519 key alone: 64 bytes, libsodium's form",
    requiresArg: true,
    conflicts: 'from',
  },
  'bls-file': {
    type: 'string',
    describe: 'File with the BLS key alone: 32 bytes, big-endian',
    requiresArg: true,
    conflicts: 'from',
  },
} as const

export const backupKeysFlags = {
  ...keysFlags,
  to: { type: 'string', describe: 'New file for the backup', demandOption: true, requiresArg: true },
  'passphrase-file': passphraseFileFlag,
} as const

export const restoreKeysFlags = {
  ...keysFlags,
  from: { type: 'string', describe: 'The backup', demandOption: true, requiresArg: true },
  'passphrase-file': passphraseFileFlag,
} as const
