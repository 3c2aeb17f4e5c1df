import { toHex } from '../../base/bytes.ts'
import { toX25519PublicKey } from '../../crypto/keys.ts'
import { createKeyFiles, readKeyFiles, type ServiceNodeKeys } from '../../node/key-files.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { type KeysArgs, keysFolderOf } from './options.ts'

export async function createKeys(args: KeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const keys = publicKeys(await createKeyFiles(folder))
  return {
    result: { created: true, folder, ...keys },
    lines: [
      `Created the keys of a service node in ${folder}.`,
      ...linesOf(keys),
      'Back both files up now: without them a registered node cannot be run, and they cannot be replaced.',
      'Next: starling stake register',
    ],
  }
}

export async function showKeys(args: KeysArgs): Promise<CommandOutcome> {
  const folder = keysFolderOf(args)
  const keys = publicKeys(await readKeyFiles(folder))
  return { result: { folder, ...keys }, lines: [`Keys in ${folder}:`, ...linesOf(keys)] }
}

interface PublicKeys {
  readonly ed25519: string
  readonly x25519: string
  readonly bls: string
}

function publicKeys({ ed25519, bls }: ServiceNodeKeys): PublicKeys {
  return {
    ed25519: toHex(ed25519.publicKey),
    x25519: toHex(toX25519PublicKey(ed25519.publicKey)),
    bls: toHex(bls.publicKey),
  }
}

function linesOf({ ed25519, x25519, bls }: PublicKeys): readonly string[] {
  return [`  Ed25519  ${ed25519}`, `  X25519   ${x25519}`, `  BLS      ${bls}`]
}
