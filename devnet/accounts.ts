import { join } from 'node:path'
import { createAccount, readAccount } from '../src/cli/account/account-file.ts'
import type { Account } from '../src/client/index.ts'

export interface Person {
  readonly name: string
  readonly account: Account
  /** As `starling account create` makes it. */
  readonly file: string
}

export async function createPerson(name: string, folder: string): Promise<Person> {
  const file = join(folder, `${name.toLowerCase()}.account`)
  await createAccount({ file, json: false })
  return { name, account: await readAccount(file), file }
}
