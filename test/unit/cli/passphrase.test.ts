import { once } from 'node:events'
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readNewPassphrase, readPassphrase } from '../../../src/cli/passphrase-source.ts'

const ASKED = { file: undefined, subject: 'the keystore operator.json' }

function aTerminal({ isTTY = true } = {}) {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: (raw: boolean) => modes.push(raw) })
  const output = Object.assign(new PassThrough(), { isTTY })
  return { input, output, modes }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('a person at a terminal', () => {
  test('is asked, and what is typed is not shown', async () => {
    const terminal = aTerminal()
    const read = readPassphrase(ASKED, terminal)
    terminal.input.write('correct hors')
    terminal.input.write('e\r')
    expect(text(await read)).toBe('correct horse')
    expect(String(terminal.output.read())).toBe('Passphrase of the keystore operator.json: \n')
    // Raw, so that the system does not show it either; and back.
    expect(terminal.modes).toEqual([true, false])
  })

  test('may correct what was typed', async () => {
    const terminal = aTerminal()
    const read = readPassphrase(ASKED, terminal)
    terminal.input.write('corrext\u007f\u007f\u007fect\r')
    expect(text(await read)).toBe('correct')
  })

  test.each(['\u0003', '\u0004'])('may leave with %j', async (key) => {
    const terminal = aTerminal()
    const read = readPassphrase(ASKED, terminal)
    terminal.input.write(key)
    await expect(read).rejects.toMatchObject({ code: 'PASSPHRASE_MISSING' })
    expect(terminal.modes.at(-1)).toBe(false)
  })

  test('whose input ends has given none', async () => {
    const terminal = aTerminal()
    const read = readPassphrase(ASKED, terminal)
    terminal.input.end()
    await expect(read).rejects.toMatchObject({ code: 'PASSPHRASE_MISSING' })
  })

  test('types a new passphrase twice', async () => {
    const terminal = aTerminal()
    const read = readNewPassphrase(ASKED, terminal)
    await once(terminal.output, 'readable')
    terminal.input.write('correct horse\r')
    await asked(terminal.output, 'The same again: ')
    terminal.input.write('correct horse\r')
    expect(text(await read)).toBe('correct horse')
  })

  test('who types two different ones is told so', async () => {
    const terminal = aTerminal()
    const read = readNewPassphrase(ASKED, terminal)
    terminal.input.write('correct horse\r')
    await asked(terminal.output, 'The same again: ')
    terminal.input.write('correct house\r')
    await expect(read).rejects.toMatchObject({ code: 'PASSPHRASE_UNEQUAL' })
  })

  test('is not asked where there is none, and told of the file', async () => {
    await expect(readPassphrase(ASKED, aTerminal({ isTTY: false }))).rejects.toMatchObject({
      code: 'PASSPHRASE_IMPOSSIBLE',
      message: expect.stringContaining('--passphrase-file'),
    })
  })
})

describe('a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-passphrase-'))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })

  async function aFile(content: string | Uint8Array, mode = 0o600): Promise<string> {
    const file = join(folder, 'passphrase')
    await writeFile(file, content)
    await chmod(file, mode)
    return file
  }
  const read = (file: string) => readPassphrase({ ...ASKED, file })

  test.each(['correct horse', 'correct horse\n', 'correct horse\r\n'])('with %j gives the line', async (content) => {
    expect(text(await read(await aFile(content)))).toBe('correct horse')
  })

  test('keeps blanks, which belong to a passphrase', async () => {
    expect(text(await read(await aFile(' a b \n')))).toBe(' a b ')
  })

  test.each([
    ['only a line end', '\n', 'PASSPHRASE_UNFIT'],
    ['two lines', 'a\nb\n', 'PASSPHRASE_UNFIT'],
    ['no text', Uint8Array.of(0xff, 0xfe), 'PASSPHRASE_UNFIT'],
    ['nothing', '', 'SECRET_FILE_SIZE'],
    ['too much', 'x'.repeat(1025), 'SECRET_FILE_SIZE'],
  ])('with %s is refused', async (_, content, code) => {
    await expect(read(await aFile(content))).rejects.toMatchObject({ code })
  })

  test('that others can read is refused with what mends it', async () => {
    const file = await aFile('correct horse', 0o644)
    await expect(read(file)).rejects.toMatchObject({
      code: 'SECRET_FILE_EXPOSED',
      message: expect.stringContaining(`chmod 600 ${file}`),
    })
  })

  test('with a short passphrase opens what exists, and seals nothing new', async () => {
    const file = await aFile('eleven char')
    expect(text(await read(file))).toBe('eleven char')
    await expect(readNewPassphrase({ ...ASKED, file })).rejects.toMatchObject({ code: 'PASSPHRASE_UNFIT' })
  })

  test("of systemd's credentials is taken with the mode that an access list shows", async () => {
    const file = await aFile('correct horse', 0o440)
    await expect(read(file)).rejects.toMatchObject({ code: 'SECRET_FILE_EXPOSED' })
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder)
    expect(text(await read(file))).toBe('correct horse')
  })

  test("of systemd's credentials is refused when others can use it, or when it is missing or a link", async () => {
    const file = await aFile('correct horse', 0o444)
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder)
    await expect(read(file)).rejects.toMatchObject({ code: 'SECRET_FILE_EXPOSED' })
    await symlink(file, join(folder, 'link'))
    for (const name of ['none', 'link']) {
      await expect(read(join(folder, name))).rejects.toMatchObject({ code: 'SECRET_FILE_MISSING' })
    }
  })
})

/** Waits until the terminal shows it. */
async function asked(output: PassThrough, question: string): Promise<void> {
  let shown = ''
  while (!shown.includes(question)) {
    const chunk: unknown = output.read()
    if (chunk === null) await once(output, 'readable')
    else shown += String(chunk)
  }
}
