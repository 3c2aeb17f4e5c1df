import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { importBlsSecretKey } from '../../../src/crypto/bls.ts'
import { createKeyFiles, readKeyFiles } from '../../../src/node/key-files.ts'

let parent: string
let folder: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'starling-keys-'))
  folder = join(parent, 'keys')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('created keys are read back the same', async () => {
  const created = await createKeyFiles(folder)
  expect(await readKeyFiles(folder)).toEqual(created)
})

test('key files have the sizes and forms of an existing node, and nothing else is left in the folder', async () => {
  const keys = await createKeyFiles(folder)
  expect((await readdir(folder)).sort()).toEqual(['key_bls', 'key_ed25519'])
  expect(await readFile(join(folder, 'key_ed25519'))).toEqual(Buffer.from(keys.ed25519.secretKey))
  expect(await readFile(join(folder, 'key_bls'))).toHaveLength(32)
})

test('files are made with mode 600 in a folder with mode 700 under any umask', async () => {
  const umask = process.umask(0)
  try {
    await createKeyFiles(folder)
  } finally {
    process.umask(umask)
  }
  expect(await modeOf(folder)).toBe('700')
  expect(await modeOf(join(folder, 'key_ed25519'))).toBe('600')
  expect(await modeOf(join(folder, 'key_bls'))).toBe('600')
})

test('an existing key is never overwritten, and nothing is put beside it', async () => {
  await mkdir(folder, { mode: 0o700 })
  await writeFile(join(folder, 'key_ed25519'), 'precious', { mode: 0o600 })
  await expect(createKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_EXISTS' })
  expect(await readFile(join(folder, 'key_ed25519'), 'utf8')).toBe('precious')
  expect(await readdir(folder)).toEqual(['key_ed25519'])
})

test('a dangling link in the place of a key is not followed', async () => {
  await mkdir(folder, { mode: 0o700 })
  await symlink(join(parent, 'elsewhere'), join(folder, 'key_bls'))
  await expect(createKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_EXISTS' })
  expect(await readdir(parent)).toEqual(['keys'])
})

test.each([0o640, 0o604, 0o620])('a key file with mode %o is refused with the command that mends it', async (mode) => {
  await createKeyFiles(folder)
  const path = join(folder, 'key_bls')
  await chmod(path, mode)
  await expect(readKeyFiles(folder)).rejects.toMatchObject({
    code: 'SECRET_FILE_EXPOSED',
    message: expect.stringContaining(`chmod 600 ${path}`),
  })
})

test('a folder that others may write to is refused', async () => {
  await createKeyFiles(folder)
  await chmod(folder, 0o777)
  await expect(readKeyFiles(folder)).rejects.toMatchObject({
    code: 'SECRET_FOLDER_EXPOSED',
    message: expect.stringContaining(`chmod 700 ${folder}`),
  })
  await expect(createKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FOLDER_EXPOSED' })
})

test('a symbolic link to a key file is refused', async () => {
  await createKeyFiles(folder)
  await mkdir(join(parent, 'linked'), { mode: 0o700 })
  await symlink(join(folder, 'key_ed25519'), join(parent, 'linked/key_ed25519'))
  await expect(readKeyFiles(join(parent, 'linked'))).rejects.toMatchObject({ code: 'SECRET_FILE_NOT_REGULAR' })
})

test('a folder in the place of a key file is refused', async () => {
  await mkdir(join(folder, 'key_ed25519'), { recursive: true, mode: 0o700 })
  await expect(readKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_NOT_REGULAR' })
})

test('a missing key file is told by its path', async () => {
  await mkdir(folder, { mode: 0o700 })
  await expect(readKeyFiles(folder)).rejects.toMatchObject({
    code: 'SECRET_FILE_MISSING',
    message: expect.stringMatching(/key_ed25519 does not exist.*starling keys create/),
  })
})

test('a key file of any other size is refused', async () => {
  await createKeyFiles(folder)
  for (const size of [0, 31, 33, 64]) {
    await writeFile(join(folder, 'key_bls'), Buffer.alloc(size, 1))
    await expect(readKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_SIZE' })
  }
})

test('an Ed25519 key whose halves do not match, or a zero BLS key, is refused', async () => {
  await createKeyFiles(folder)
  const secretKey = await readFile(join(folder, 'key_ed25519'))
  await writeFile(join(folder, 'key_ed25519'), Buffer.alloc(64, 7))
  await expect(readKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_INVALID' })
  await writeFile(join(folder, 'key_ed25519'), secretKey)
  await writeFile(join(folder, 'key_bls'), Buffer.alloc(32))
  await expect(readKeyFiles(folder)).rejects.toMatchObject({ code: 'SECRET_FILE_INVALID' })
})

test("an existing node's BLS key above the group order is reduced", async () => {
  await createKeyFiles(folder)
  const raw = Buffer.alloc(32, 0x7f)
  await writeFile(join(folder, 'key_bls'), raw)
  const { bls } = await readKeyFiles(folder)
  expect(bls.secretKey).toEqual(importBlsSecretKey(raw))
  expect(Buffer.from(bls.secretKey)).not.toEqual(raw)
})

test.runIf(process.getuid?.() === 0)('a key file of another user is refused', async () => {
  await createKeyFiles(folder)
  await chown(join(folder, 'key_bls'), 12345, 12345)
  await expect(readKeyFiles(folder)).rejects.toMatchObject({
    code: 'SECRET_FILE_OWNER',
    // Given to root, the node of that user could not read it any more.
    message: expect.stringMatching(/belongs to another user; run the command as that user: sudo -u '#12345' …$/),
  })
})
