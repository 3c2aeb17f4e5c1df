import type { AccountId } from '../protocol/account.ts'
import type { SwarmArc } from '../protocol/swarm-assignment.ts'
import { swarmSpaceOf } from '../protocol/swarm-space.ts'

/** Tells of accounts, as they stand in keys, whether their points lie on an arc. Those of one account mostly come together. */
export function createArcTest({ first, last }: SwarmArc): (account: Buffer) => boolean {
  const length = BigInt.asUintN(64, last - first)
  let asked: Buffer | undefined
  let answer = false
  return (account) => {
    if (asked?.equals(account)) return answer
    asked = Buffer.from(account)
    answer = BigInt.asUintN(64, swarmSpaceOf(accountText(account)) - first) <= length
    return answer
  }
}

/** The id of an account as it stands in keys. */
export function accountText(account: Buffer): AccountId {
  return account.toString('hex') as AccountId
}
