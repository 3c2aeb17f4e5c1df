import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../../../src/base/bytes.ts'
import { CodedError } from '../../../src/base/coded-error.ts'
import { KeystoreError } from '../../../src/cli/keystore/errors.ts'
import { openKeystore, sealKeystore } from '../../../src/cli/keystore/keystore.ts'
import { keystoreOfJson } from '../../../src/cli/keystore/keystore-form.ts'
import { readOperatorAccount } from '../../../src/cli/stake/operator-key.ts'
import { parseJson, parseJsonText } from '../../../src/protocol/json.ts'
import { createChance } from '../../support/chance.ts'
import { fuzz } from '../../support/fuzz.ts'
import document from '../../vectors/keystore.json' with { type: 'json' }

const CHEAP = { n: 2, r: 8, p: 1 }
const SECRET = new Uint8Array(32).fill(0xa7)
const PASSPHRASE = utf8('correct horse battery staple')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-keystore-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function aFile(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content, { mode: 0o600 })
  return path
}

describe("other programs' keystores", () => {
  test.each(document.vectors)('$name: opens to the same account', async ({ keystore, passphrase, secret, address }) => {
    const source = {
      keystore: await aFile('other.json', JSON.stringify(keystore)),
      passphraseFile: await aFile('other.passphrase', `${passphrase}\n`),
    }
    expect(await readOperatorAccount(source)).toEqual({ address, privateKey: `0x${secret}` })
  })
})

test('what is sealed opens again, with its passphrase only', async () => {
  const sealed = await sealKeystore(SECRET, PASSPHRASE, CHEAP)
  expect(await openKeystore(sealed, PASSPHRASE)).toEqual(SECRET)
  await expect(openKeystore(sealed, utf8('correct horse battery stable'))).rejects.toMatchObject({
    code: 'KEYSTORE_PASSPHRASE_WRONG',
  })
})

test('a new keystore has the form and the cost that other wallets open', async () => {
  const sealed = await sealKeystore(SECRET, PASSPHRASE)
  expect(sealed).toEqual({
    version: 3,
    id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: expect.stringMatching(/^[0-9a-f]{32}$/) },
      ciphertext: expect.stringMatching(/^[0-9a-f]{64}$/),
      mac: expect.stringMatching(/^[0-9a-f]{64}$/),
      kdf: 'scrypt',
      kdfparams: { dklen: 32, n: 262144, r: 8, p: 1, salt: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  })
})

test('a keystore names no key that is not its own', async () => {
  const [vector] = document.vectors.slice(2)
  const keystore = { ...vector?.keystore, address: '1'.repeat(40) }
  const source = {
    keystore: await aFile('named.json', JSON.stringify(keystore)),
    passphraseFile: await aFile('named.passphrase', vector?.passphrase ?? ''),
  }
  await expect(readOperatorAccount(source)).rejects.toMatchObject({ code: 'KEYSTORE_CONTENT_INVALID' })
})

test('a keystore with zero for a key is refused', async () => {
  const source = {
    keystore: await aFile('zero.json', JSON.stringify(await sealKeystore(new Uint8Array(32), PASSPHRASE, CHEAP))),
    passphraseFile: await aFile('zero.passphrase', Buffer.from(PASSPHRASE).toString()),
  }
  await expect(readOperatorAccount(source)).rejects.toMatchObject({ code: 'KEYSTORE_CONTENT_INVALID' })
})

test('a keystore that others can read is refused before the passphrase is asked for', async () => {
  const keystore = await aFile('exposed.json', '{}')
  await chmod(keystore, 0o644)
  await expect(readOperatorAccount({ keystore, passphraseFile: undefined })).rejects.toMatchObject({
    code: 'SECRET_FILE_EXPOSED',
    message: expect.stringContaining(`chmod 600 ${keystore}`),
  })
})

describe('what a file may cost', () => {
  const sealedWith = async (kdfparams: object, kdf = 'scrypt') => {
    const { crypto, ...rest } = await sealKeystore(SECRET, PASSPHRASE, CHEAP)
    const salt = crypto.kdfparams.salt
    return JSON.stringify({ ...rest, crypto: { ...crypto, kdf, kdfparams: { dklen: 32, salt, ...kdfparams } } })
  }
  const open = async (text: string) => openKeystore(keystoreOfJson(parseJsonText(text)), PASSPHRASE)

  test.each([
    { n: 2 ** 21, r: 8, p: 1 },
    { n: 2 ** 30, r: 1, p: 1 },
    { n: 2, r: 2 ** 30, p: 1 },
    { n: 2 ** 18, r: 8, p: 5 },
    { n: 2, r: 1, p: 2 ** 31 },
  ])('scrypt with %o is refused without trying', async (cost) => {
    await expect(open(await sealedWith(cost))).rejects.toMatchObject({ code: 'KEYSTORE_COST_REFUSED' })
  })

  test('a thousand million rounds of PBKDF2 are refused without trying', async () => {
    const text = await sealedWith({ c: 1e9, prf: 'hmac-sha256' }, 'pbkdf2')
    await expect(open(text)).rejects.toMatchObject({ code: 'KEYSTORE_COST_REFUSED' })
  })

  test.each([
    { n: 3, r: 8, p: 1 },
    { n: 1, r: 8, p: 1 },
    { n: 0, r: 8, p: 1 },
    { n: -2, r: 8, p: 1 },
    { n: 2.5, r: 8, p: 1 },
    { n: 2, r: 8, p: 0 },
    { n: 2, r: 8, p: 1, dklen: 16 },
    { n: 2, r: 8, p: 1, dklen: 4096 },
    { n: 2, r: 8, p: 1, salt: '' },
    { n: 2, r: 8, p: 1, salt: 'xy' },
  ])('scrypt with %o is no keystore', async (parameters) => {
    await expect(open(await sealedWith(parameters))).rejects.toMatchObject({ code: 'KEYSTORE_MALFORMED' })
  })
})

test('a keystore with any part missing, or of another kind, is refused as one', async () => {
  const sealed = await sealKeystore(SECRET, PASSPHRASE, CHEAP)
  const odd = [null, 7, '', 'zz', [], {}]
  for (const path of leavesOf(sealed)) {
    // The id opens nothing, and the check value says whether a number is the right one.
    if (path.join('.') === 'id') continue
    for (const value of [undefined, ...odd]) {
      const text = JSON.stringify(sealed, function (this: unknown, key: string, inner: unknown) {
        return this === parentOf(sealed, path) && key === path.at(-1) ? value : inner
      })
      const opening = (async () => openKeystore(keystoreOfJson(parseJsonText(text)), PASSPHRASE))()
      await expect(opening, `${path.join('.')} = ${JSON.stringify(value)}`).rejects.toBeInstanceOf(KeystoreError)
    }
  }
  for (const value of odd) expect(() => keystoreOfJson(parseJsonText(JSON.stringify(value)))).toThrow(KeystoreError)
})

test('mutations of keystores are taken or refused, and nothing else happens', () => {
  const seeds = document.vectors.map(({ keystore }) => utf8(JSON.stringify(keystore)))
  const target = { name: 'keystoreOfJson', seeds, throws: CodedError }
  fuzz({ ...target, decode: (bytes) => keystoreOfJson(parseJson(bytes)) }, createChance(), 3000)
})

test('no error says what was sealed or with what', async () => {
  const sealed = await sealKeystore(SECRET, PASSPHRASE, CHEAP)
  const error = await openKeystore(sealed, utf8('cAnArY passphrase')).catch((cause: unknown) => cause)
  const text = JSON.stringify(error, Object.getOwnPropertyNames(error))
  expect(text).toContain('KEYSTORE_PASSPHRASE_WRONG')
  expect(text).not.toContain('cAnArY')
  expect(text).not.toContain(toHex(SECRET))
  expect(fromHex(sealed.crypto.ciphertext)).not.toEqual(SECRET)
})

function leavesOf(value: object, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null ? leavesOf(inner, [...path, key]) : [[...path, key]],
  )
}

function parentOf(value: unknown, path: readonly string[]): unknown {
  return path.slice(0, -1).reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value)
}
