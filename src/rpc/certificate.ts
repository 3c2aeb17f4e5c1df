import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, DAY } from '../base/clock.ts'
import { CertificateError } from './errors.ts'

/** PEM texts for the HTTPS server. */
export interface CertificatePair {
  readonly key: string
  readonly cert: string
}

/** Clients check neither name nor authority: who a node is follows from the keys of onion layers. So it never expires in use. */
const VALID_DAYS = 10_000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const NAME = 'CN=localhost, O=Starling'

/**
 * The certificate in `folder`, made there when there is none yet. P-256, because its handshake costs a fifth of RSA's.
 * @throws {CertificateError}
 */
export async function loadOrCreateCertificate(folder: string, { clock }: { clock: Clock }): Promise<CertificatePair> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const paths = { key: join(folder, 'https-key.pem'), cert: join(folder, 'https-certificate.pem') }
  const existing = await load(paths)
  if (existing !== undefined) return existing
  const made = await create(clock)
  // The certificate comes last: as long as it is missing, a start makes both anew.
  await writeWhole(paths.key, made.key, 0o600)
  await writeWhole(paths.cert, made.cert, 0o644)
  await syncFolder(folder)
  return made
}

/** Undefined when there is no certificate yet. */
async function load(paths: { key: string; cert: string }): Promise<CertificatePair | undefined> {
  const [key, cert] = await Promise.all([readIfThere(paths.key), readIfThere(paths.cert)])
  if (key === undefined || cert === undefined) return undefined
  await refuseExposed(paths.key)
  if (!areOnePair(key, cert)) {
    throw new CertificateError('CERTIFICATE_UNUSABLE', `${paths.cert} and ${paths.key} are no pair; remove both`)
  }
  return { key, cert }
}

async function refuseExposed(path: string): Promise<void> {
  const { mode } = await lstat(path)
  if ((mode & constants.S_IFMT) !== constants.S_IFREG || (mode & 0o077) !== 0) {
    throw new CertificateError('CERTIFICATE_KEY_EXPOSED', `Others can read ${path}; run: chmod 600 ${path}`)
  }
}

function areOnePair(key: string, cert: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** Only a first start pays for loading the library that makes certificates. */
async function create(clock: Clock): Promise<CertificatePair> {
  // The package's dependency injection needs this polyfill and does not bring it along.
  await import('reflect-metadata')
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const nowMs = clock.nowMs()
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex'),
      name: NAME,
      notBefore: new Date(nowMs - DAY),
      notAfter: new Date(nowMs + VALID_DAYS * DAY),
      signingAlgorithm: ALGORITHM,
      keys,
    },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
  return { key: key.toString(), cert: certificate.toString('pem') }
}

/** Either the whole file is there or none. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
  await using file = await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode)
  await chmod(temporary, mode)
  await file.writeFile(text)
  await file.sync()
  await rename(temporary, path)
}

async function syncFolder(folder: string): Promise<void> {
  await using handle: FileHandle = await open(folder)
  await handle.sync()
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
