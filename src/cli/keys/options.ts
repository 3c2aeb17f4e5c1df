import { resolve } from 'node:path'

/** Where keys are when nothing else is said: below the default data folder. */
export const DEFAULT_KEYS_FOLDER = 'data/keys'

export interface KeysArgs {
  readonly 'keys-folder': string
  readonly json: boolean
}

export const keysFolderFlag = {
  type: 'string',
  describe: "Folder with this service node's keys, key_ed25519 and key_bls",
  default: DEFAULT_KEYS_FOLDER,
} as const

export const jsonFlag = {
  type: 'boolean',
  describe: 'Print one line of JSON, for scripts',
  default: false,
} as const

export function keysFolderOf(args: Pick<KeysArgs, 'keys-folder'>): string {
  return resolve(args['keys-folder'])
}
