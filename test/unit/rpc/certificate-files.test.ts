// A certificate of the operator's own, and what happens when it is renewed.

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { loadOrCreateCertificate } from '../../../src/rpc/certificate.ts'
import { loadCertificate } from '../../../src/rpc/certificate-files.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer } from './https-fixture.ts'

let folder: string
let files: { certificateFile: string; keyFile: string }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-certificate-'))
  files = { certificateFile: join(folder, 'fullchain.pem'), keyFile: join(folder, 'privkey.pem') }
  await renew()
})
afterEach(() => rm(folder, { recursive: true }))

/** Writes another certificate, as its operator's tools would, and gives its fingerprint. */
async function renew(): Promise<string> {
  const { cert, key } = await loadOrCreateCertificate(await mkdtemp(join(folder, 'made-')), { clock: systemClock })
  await writeFile(files.keyFile, key, { mode: 0o640 })
  await writeFile(files.certificateFile, cert)
  return new X509Certificate(cert).fingerprint256
}

async function shown(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const fingerprint = async () => new X509Certificate(await readFile(files.certificateFile)).fingerprint256

/** What was logged at warn. */
function recordingLog() {
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (_facts: object, sentence: string) => void warnings.push(sentence) }
  return { log, warnings }
}

describe('a server with a certificate of its operator', () => {
  test('shows it, and makes none of its own', async () => {
    await using server = await startTestServer({ certificateFiles: files })
    expect(await shown(server.port)).toBe(await fingerprint())
    await expect(readFile(join(server.folder, 'https-key.pem'))).rejects.toThrow('ENOENT')
  })

  test('shows a renewed one, without a restart and without harm to connections', async () => {
    await using server = await startTestServer({ certificateFiles: files, certificateLookIntervalMs: 10 })
    const kept = await server.connect()
    const renewed = await renew()
    await eventually(
      'the renewed certificate is shown',
      async () => (await shown(server.port)) === renewed || undefined,
    )
    kept.write('GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n')
    const [answer] = await once(kept, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    kept.destroy()
  })

  test('keeps on showing the one before when the renewed one is spoiled, and says so', async () => {
    const { log, warnings } = recordingLog()
    const before = await fingerprint()
    await using server = await startTestServer({ certificateFiles: files, certificateLookIntervalMs: 10 }, { log })
    await writeFile(files.certificateFile, 'spoiled')
    await eventually('it is said', () => warnings.find((sentence) => sentence.includes('cannot be used')))
    expect(await shown(server.port)).toBe(before)
  })
})

describe('a certificate of the operator', () => {
  const load = (log = silentLogger, clock = systemClock) =>
    loadCertificate({ certificateFiles: files, certificateFolder: folder }, { log, clock })

  test('may be behind symbolic links, and its key readable by a group', async () => {
    const link = join(folder, 'link.pem')
    await symlink(files.keyFile, link)
    files = { ...files, keyFile: link }
    expect((await load()).key).toContain('PRIVATE KEY')
  })

  test('is refused when everybody can read its key', async () => {
    await chmod(files.keyFile, 0o644)
    const message = `Everybody can read ${files.keyFile}; run: chmod o-rwx ${files.keyFile}`
    await expect(load()).rejects.toMatchObject({ code: 'CERTIFICATE_KEY_EXPOSED', message })
  })

  test.for(['certificateFile', 'keyFile'] as const)(
    'is refused by name when %s is missing or nonsense',
    async (which) => {
      await writeFile(files[which], 'nonsense')
      await expect(load()).rejects.toMatchObject({
        code: 'CERTIFICATE_UNUSABLE',
        message: expect.stringContaining(`${files[which]} is no `),
      })
      await rm(files[which])
      await expect(load()).rejects.toMatchObject({
        code: 'CERTIFICATE_UNUSABLE',
        message: `${files[which]} cannot be read: ENOENT`,
      })
    },
  )

  test('is refused when the key is of another', async () => {
    const key = await readFile(files.keyFile, 'utf8')
    await renew()
    await writeFile(files.keyFile, key)
    await expect(load()).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
      message: expect.stringContaining('is not the one of the certificate'),
    })
  })

  test('is shown when it has expired, since only browsers look, but not without a warning', async () => {
    const { log, warnings } = recordingLog()
    const later = { ...systemClock, nowMs: () => Date.parse('2100-01-01') }
    expect((await load(log, later)).cert).toContain('CERTIFICATE')
    expect(warnings).toEqual(['The HTTPS certificate has expired; browsers refuse it'])
  })
})
