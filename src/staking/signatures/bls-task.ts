import {
  aggregateBlsPublicKeys,
  BLS_PUBLIC_KEY_BYTES,
  BlsMessage,
  type BlsPublicKey,
  blsSign,
  blsVerify,
  parseBlsPublicKey,
  parseBlsSecretKey,
  parseBlsSignature,
} from '../../crypto/bls.ts'
import { type BlsShare, type CollectedShares, collectBlsSignatures } from '../../crypto/bls-collection.ts'

// What the thread for BLS signatures does. Bytes cross the border between threads without their brands, so they are parsed again.

/** A message of the staking contract, and the tag by which it is hashed. */
export interface BlsSubject {
  readonly message: Uint8Array
  readonly tag: Uint8Array
}

export type BlsTask = BlsSubject &
  (
    | { readonly kind: 'sign'; readonly secretKey: Uint8Array }
    /** Whether a signature is the sum of those of all these keys. */
    | { readonly kind: 'verify'; readonly publicKeys: readonly Uint8Array[]; readonly signature: Uint8Array }
    /** Sums the right ones; what is not told apart within the budget is left out. */
    | {
        readonly kind: 'collect'
        readonly shares: readonly { readonly publicKey: Uint8Array; readonly signature: Uint8Array }[]
        readonly budgetMs: number
      }
  )

export interface BlsResults {
  readonly sign: Uint8Array
  readonly verify: boolean
  readonly collect: CollectedShares
}

/** Does the work of a task, which may take seconds. Throws only for what a caller of ours got wrong. */
export function runBlsTask(task: BlsTask): BlsResults[BlsTask['kind']] {
  const message = new BlsMessage(task.message, task.tag)
  switch (task.kind) {
    case 'sign': {
      const secretKey = parseBlsSecretKey(task.secretKey)
      if (secretKey === undefined) throw new RangeError('This is no BLS secret key')
      return blsSign(secretKey, message)
    }
    case 'verify': {
      const publicKey = aggregateBlsPublicKeys(task.publicKeys.map(publicKeyOf))
      const signature = parseBlsSignature(task.signature)
      return publicKey !== undefined && signature !== undefined && blsVerify(publicKey, message, signature)
    }
    case 'collect': {
      const endMs = performance.now() + task.budgetMs
      const shares = task.shares.map(
        ({ publicKey, signature }): BlsShare => ({ publicKey: publicKeyOf(publicKey), signature }),
      )
      return collectBlsSignatures(message, shares, () => performance.now() > endMs)
    }
  }
}

/** The contract takes only points of the curve, so anything else was not read there. */
function publicKeyOf(bytes: Uint8Array): BlsPublicKey {
  const publicKey = parseBlsPublicKey(bytes)
  if (publicKey === undefined) throw new RangeError(`A BLS public key is a point in ${BLS_PUBLIC_KEY_BYTES} bytes`)
  return publicKey
}
