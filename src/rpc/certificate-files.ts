import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Server } from 'node:https'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createPeriodic } from '../base/periodic.ts'
import { type CertificatePair, loadOrCreateCertificate } from './certificate.ts'
import { CertificateError } from './errors.ts'
import type { CertificateFiles, RpcOptions } from './options.ts'

// A certificate that an authority signed for the node's name or address, for clients that cannot do without one: browsers. All
// others look at none. Whoever renews it (certbot and the like) writes the same two files again.

/** Oldest TLS that is spoken. */
export const TLS_MIN_VERSION = 'TLSv1.2'

interface Components {
  readonly log: Logger
  readonly clock: Clock
}

/**
 * The certificate that the operator gave, or else the node's own.
 * @throws {CertificateError}
 */
export async function loadCertificate(
  { certificateFiles, certificateFolder }: Pick<RpcOptions, 'certificateFiles' | 'certificateFolder'>,
  components: Components,
): Promise<CertificatePair> {
  if (certificateFiles === undefined) return loadOrCreateCertificate(certificateFolder, components)
  return loadFiles(certificateFiles, components)
}

/** Takes the operator's certificate anew when its files have changed. One that cannot be used leaves the one before in use. */
export function followCertificate(
  server: Server,
  first: CertificatePair,
  components: Components,
  { certificateFiles: files, certificateLookIntervalMs: intervalMs }: RpcOptions,
): AsyncDisposable {
  if (files === undefined) return { [Symbol.asyncDispose]: async () => {} }
  let current = first
  const sentence = 'The HTTPS certificate has changed and cannot be used; the one before is still shown'
  return createPeriodic(components, { intervalMs, sentence }, async () => {
    const { key, cert } = await loadFiles(files, components)
    if (key === current.key && cert === current.cert) return
    server.setSecureContext({ key, cert, minVersion: TLS_MIN_VERSION })
    current = { key, cert }
    components.log.info({ file: files.certificateFile }, 'The HTTPS certificate has changed, and is shown from now on')
  })
}

async function loadFiles(files: CertificateFiles, { log, clock }: Components): Promise<CertificatePair> {
  const { certificateFile, keyFile } = files
  await refuseExposed(keyFile)
  const [cert, key] = await Promise.all([readText(certificateFile), readText(keyFile)])
  const { certificate, isPair } = inspect(files, cert, key)
  if (!isPair) throw unusable(`The key in ${keyFile} is not the one of the certificate in ${certificateFile}`)
  const validTo = Date.parse(certificate.validTo)
  if (validTo < clock.nowMs()) {
    log.warn(
      { file: certificateFile, validTo: certificate.validTo },
      'The HTTPS certificate has expired; browsers refuse it',
    )
  }
  return { cert, key }
}

/** Tools for certificates make keys readable to a group of servers, so only others are too many here. */
async function refuseExposed(path: string): Promise<void> {
  const { mode } = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  if ((mode & 0o007) !== 0) {
    throw new CertificateError('CERTIFICATE_KEY_EXPOSED', `Everybody can read ${path}; run: chmod o-rwx ${path}`)
  }
}

function inspect(
  { certificateFile, keyFile }: CertificateFiles,
  cert: string,
  key: string,
): { certificate: X509Certificate; isPair: boolean } {
  const certificate = parsed(cert, (text) => new X509Certificate(text), `${certificateFile} is no certificate in PEM`)
  const privateKey = parsed(key, createPrivateKey, `${keyFile} is no private key in PEM, or one with a passphrase`)
  return { certificate, isPair: certificate.checkPrivateKey(privateKey) }
}

function parsed<T>(text: string, parse: (text: string) => T, otherwise: string): T {
  try {
    return parse(text)
  } catch (cause) {
    throw unusable(otherwise, cause)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): CertificateError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return unusable(`${path} cannot be read: ${code}`, cause)
}

function unusable(message: string, cause?: unknown): CertificateError {
  return new CertificateError('CERTIFICATE_UNUSABLE', message, { cause })
}
