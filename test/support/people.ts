import { type Account, accountFromSeed, generateAccountSeed } from '../../src/client/index.ts'

/** A new account, which nobody has heard of. */
export function newAccount(): Account {
  return accountFromSeed(generateAccountSeed())
}

/** A new account for which the condition holds, such as one of a certain swarm. */
export function newAccountWhere(condition: (account: Account) => boolean): Account {
  for (;;) {
    const account = newAccount()
    if (condition(account)) return account
  }
}
