// Importing, backing up and restoring a service node's keys, with real files.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../../src/base/bytes.ts'
import { backUpKeys, restoreKeys } from '../../../src/cli/keys/backup.ts'
import {
  decodeKeyBackup,
  encodeKeyBackup,
  KeyBackupError,
  openKeyBackup,
} from '../../../src/cli/keys/backup-document.ts'
import { importKeys } from '../../../src/cli/keys/import.ts'
import { importBlsSecretKey } from '../../../src/crypto/bls.ts'
import { createKeyFiles, readKeyFiles, type ServiceNodeKeys } from '../../../src/node/key-files.ts'
import { createChance } from '../../support/chance.ts'
import { fuzz } from '../../support/fuzz.ts'

const PASSPHRASE = 'cAnArY battery staple'
const CHEAP = { n: 2, r: 8, p: 1 }
const CREATED = { createdMs: 1_795_000_000_000, cost: CHEAP }

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'starling-key-backup-'))
})
afterEach(() => rm(parent, { recursive: true }))

const inParent = (name: string) => join(parent, name)

async function aPassphraseFile(passphrase = PASSPHRASE): Promise<string> {
  const file = inParent('passphrase')
  await writeFile(file, `${passphrase}\n`, { mode: 0o600 })
  return file
}

describe('importing', () => {
  const into = (folder: string) => ({
    'keys-folder': inParent(folder),
    json: false,
    from: undefined,
    'ed25519-file': undefined,
    'bls-file': undefined,
  })

  test("an existing node's folder makes this node the same, its BLS key reduced", async () => {
    const { ed25519 } = await createKeyFiles(inParent('old'))
    const raw = Buffer.alloc(32, 0x7f)
    await writeFile(inParent('old/key_bls'), raw)
    const { result, lines } = await importKeys({ ...into('new'), from: inParent('old') })
    expect(result).toMatchObject({ ed25519: toHex(ed25519.publicKey), missing: [] })
    expect(lines.join('\n')).toContain(toHex(ed25519.publicKey))
    const imported = await readKeyFiles(inParent('new'))
    expect(imported.ed25519).toEqual(ed25519)
    expect(await readFile(inParent('new/key_bls'))).toEqual(Buffer.from(importBlsSecretKey(raw) ?? []))
    expect(await readFile(inParent('old/key_bls'))).toEqual(raw)
    expect((await stat(inParent('new'))).mode & 0o777).toBe(0o700)
    expect((await stat(inParent('new/key_bls'))).mode & 0o777).toBe(0o600)
  })

  test('again changes nothing; other keys are refused before any is written', async () => {
    await createKeyFiles(inParent('old'))
    await createKeyFiles(inParent('other'))
    await importKeys({ ...into('new'), 'ed25519-file': inParent('old/key_ed25519') })
    await expect(importKeys({ ...into('new'), from: inParent('other') })).rejects.toMatchObject({
      code: 'SECRET_FILE_EXISTS',
    })
    expect(await readdir(inParent('new'))).toEqual(['key_ed25519'])
    expect((await importKeys({ ...into('new'), from: inParent('old') })).result).toMatchObject({ written: ['key_bls'] })
    expect((await importKeys({ ...into('new'), from: inParent('old') })).result).toMatchObject({ written: [] })
  })

  test('one file says which other one is missing', async () => {
    await createKeyFiles(inParent('old'))
    const { result } = await importKeys({ ...into('new'), 'bls-file': inParent('old/key_bls') })
    expect(result).toMatchObject({ written: ['key_bls'], missing: ['key_ed25519'] })
    expect(result).not.toHaveProperty('ed25519')
  })

  test.each([
    ['an Ed25519 key whose halves do not fit', 'key_ed25519', Buffer.alloc(64, 7), 'SECRET_FILE_INVALID'],
    ['an Ed25519 seed alone', 'key_ed25519', Buffer.alloc(32, 7), 'SECRET_FILE_SIZE'],
    ['a BLS key of zero', 'key_bls', Buffer.alloc(32), 'SECRET_FILE_INVALID'],
    ['a BLS key in hex', 'key_bls', Buffer.alloc(64, 0x61), 'SECRET_FILE_SIZE'],
  ])('%s is refused and nothing is written', async (_, name, content, code) => {
    await createKeyFiles(inParent('old'))
    await writeFile(inParent(`old/${name}`), content)
    await expect(importKeys({ ...into('new'), from: inParent('old') })).rejects.toMatchObject({ code })
    expect(await readdir(parent)).toEqual(['old'])
  })

  test('from a folder that others can write to is refused with a line that leaves the old node alone', async () => {
    await createKeyFiles(inParent('old'))
    await chmod(inParent('old'), 0o777)
    await expect(importKeys({ ...into('new'), from: inParent('old') })).rejects.toMatchObject({
      code: 'SECRET_FOLDER_EXPOSED',
      message: expect.stringMatching(/install -m 600 /),
    })
  })

  test('into a folder that others can look into is refused with the line that mends it', async () => {
    await createKeyFiles(inParent('old'))
    await mkdir(inParent('new'))
    await chmod(inParent('new'), 0o755)
    await expect(importKeys({ ...into('new'), from: inParent('old') })).rejects.toMatchObject({
      code: 'SECRET_FOLDER_EXPOSED',
      message: expect.stringContaining(`chmod 700 ${inParent('new')}`),
    })
    expect(await readdir(inParent('new'))).toEqual([])
  })

  test('without a source is refused', async () => {
    await expect(importKeys(into('new'))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('the backup', () => {
  test('gives back both keys, and nothing secret is in it or said of it', async () => {
    const keys = await createKeyFiles(inParent('keys'))
    const secrets = [PASSPHRASE, toHex(keys.ed25519.secretKey.subarray(0, 32)), toHex(keys.bls.secretKey)]
    const to = inParent('node.backup')
    const passphraseFile = await aPassphraseFile()
    const flags = { json: false, 'passphrase-file': passphraseFile }
    const backedUp = await backUpKeys({ ...flags, 'keys-folder': inParent('keys'), to })
    expect((await stat(to)).mode & 0o777).toBe(0o600)

    const restored = await restoreKeys({ ...flags, 'keys-folder': inParent('restored'), from: to })
    expect(restored.result).toMatchObject({ written: ['key_bls', 'key_ed25519'] })
    for (const name of ['key_ed25519', 'key_bls']) {
      expect(await readFile(inParent(`restored/${name}`))).toEqual(await readFile(inParent(`keys/${name}`)))
    }
    const said = `${JSON.stringify([backedUp, restored])}${await readFile(to, 'utf8')}`
    for (const secret of secrets) expect(said).not.toContain(secret)

    await expect(backUpKeys({ ...flags, 'keys-folder': inParent('keys'), to })).rejects.toMatchObject({
      code: 'SECRET_FILE_EXISTS',
    })
  })

  test('is never restored over other keys', async () => {
    const keys = await createKeyFiles(inParent('keys'))
    const other = await createKeyFiles(inParent('other'))
    const from = inParent('node.backup')
    await writeFile(from, await encodeKeyBackup(keys, utf8(PASSPHRASE), CREATED), { mode: 0o600 })
    const flags = { json: false, 'passphrase-file': await aPassphraseFile(), from }
    await expect(restoreKeys({ ...flags, 'keys-folder': inParent('other') })).rejects.toMatchObject({
      code: 'SECRET_FILE_EXISTS',
    })
    expect(await readKeyFiles(inParent('other'))).toEqual(other)
    expect((await restoreKeys({ ...flags, 'keys-folder': inParent('keys') })).result).toMatchObject({ written: [] })
  })

  test('tells a wrong passphrase from damage', async () => {
    const keys = await createKeyFiles(inParent('keys'))
    const bytes = await encodeKeyBackup(keys, utf8(PASSPHRASE), CREATED)
    const backup = decodeKeyBackup(bytes)
    expect(inHex(await openKeyBackup(backup, utf8(PASSPHRASE)))).toEqual(inHex(keys))
    await expect(openKeyBackup(backup, utf8('another passphrase'))).rejects.toMatchObject({
      code: 'KEYSTORE_PASSPHRASE_WRONG',
    })
    for (let length = 0; length < bytes.length - 1; length++) {
      expect(() => decodeKeyBackup(bytes.subarray(0, length))).toThrow(KeyBackupError)
    }
    for (let at = 0; at < bytes.length - 1; at++) {
      const altered = Uint8Array.from(bytes)
      // Blanks may change on the way: they say nothing.
      if ([0x0a, 0x20].includes(altered[at] ?? 0)) continue
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(() => decodeKeyBackup(altered), `byte ${at}`).toThrow(KeyBackupError)
    }
  })

  test('may be mutated in any way: it is refused as a backup', async () => {
    const seed = await encodeKeyBackup(await createKeyFiles(inParent('keys')), utf8(PASSPHRASE), CREATED)
    fuzz(
      { name: 'decodeKeyBackup', seeds: [seed], decode: decodeKeyBackup, throws: KeyBackupError },
      createChance(),
      3000,
    )
  })

  test('whose blanks and line ends were changed on the way still opens', async () => {
    const keys = await createKeyFiles(inParent('keys'))
    const text = Buffer.from(await encodeKeyBackup(keys, utf8(PASSPHRASE), CREATED)).toString()
    for (const changed of [text.replaceAll('\n', '\r\n'), JSON.stringify(JSON.parse(text))]) {
      expect(inHex(await openKeyBackup(decodeKeyBackup(utf8(changed)), utf8(PASSPHRASE)))).toEqual(inHex(keys))
    }
  })

  test('that names other keys than it holds is refused', async () => {
    const keys = await createKeyFiles(inParent('keys'))
    const other = await createKeyFiles(inParent('other'))
    const backup = decodeKeyBackup(await encodeKeyBackup(keys, utf8(PASSPHRASE), CREATED))
    const altered = { ...backup, blsPublicKey: toHex(other.bls.publicKey) }
    await expect(openKeyBackup(altered, utf8(PASSPHRASE))).rejects.toMatchObject({ code: 'KEY_BACKUP_DAMAGED' })
  })
})

function inHex({ ed25519, bls }: ServiceNodeKeys): readonly string[] {
  return [ed25519.secretKey, ed25519.publicKey, bls.secretKey, bls.publicKey].map(toHex)
}
