import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPrivateKeyFile } from '../../../src/cli/stake/operator-key.ts'
import { createWallet, importWallet, showWallet } from '../../../src/cli/wallet/wallet.ts'

const PRIVATE_KEY = '4c'.repeat(32)
const PASSPHRASE = 'cAnArY battery staple'

let folder: string
let passphraseFile: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-wallet-'))
  passphraseFile = await aFile('passphrase', PASSPHRASE)
})
afterAll(() => rm(folder, { recursive: true }))

async function aFile(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content, { mode: 0o600 })
  return path
}
const flags = (name: string) => ({ keystore: join(folder, name), 'passphrase-file': passphraseFile, json: false })

test('an imported private key keeps its address, and neither it nor the passphrase is shown or written', async () => {
  const privateKeyFile = await aFile('operator.key', `0x${PRIVATE_KEY}\n`)
  const imported = await importWallet({ ...flags('operator.json'), 'private-key-file': privateKeyFile })
  const shown = await showWallet(flags('operator.json'))
  // The address that ethers gives for this key.
  expect(imported.result['address']).toBe('0xdB00079cad3e665853Bf766eFe26F4C38cdbdCDA')
  expect(shown.lines).toEqual(['0xdB00079cad3e665853Bf766eFe26F4C38cdbdCDA'])
  const path = join(folder, 'operator.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const file = await readFile(path, 'utf8')
  expect(JSON.parse(file)).toMatchObject({ address: 'db00079cad3e665853bf766efe26f4c38cdbdcda', version: 3 })
  for (const secret of [PRIVATE_KEY, PASSPHRASE]) {
    expect(`${JSON.stringify([imported, shown])}${file}`).not.toContain(secret)
  }
})

test('a keystore is never overwritten', async () => {
  const args = { ...flags('precious.json') }
  await aFile('precious.json', 'precious')
  await expect(createWallet(args)).rejects.toMatchObject({ code: 'SECRET_FILE_EXISTS' })
  await expect(importWallet({ ...args, 'private-key-file': 'none' })).rejects.toMatchObject({
    code: 'SECRET_FILE_EXISTS',
  })
  expect(await readFile(args.keystore, 'utf8')).toBe('precious')
})

test('a new account opens with its passphrase', async () => {
  const { result } = await createWallet(flags('new.json'))
  expect(result).toMatchObject({ created: true, address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) })
  expect((await showWallet(flags('new.json'))).result['address']).toBe(result['address'])
})

test.each([
  ['zero', '0'.repeat(64)],
  ['the order of the group', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
  ['a digit too few', `${'a'.repeat(63)}\n`],
  ['no hex', 'g'.repeat(64)],
])('a private key file with %s is refused', async (_, content) => {
  await expect(readPrivateKeyFile(await aFile('odd.key', content))).rejects.toMatchObject({
    code: 'SECRET_FILE_INVALID',
    message: expect.not.stringContaining(content.trim()),
  })
})
