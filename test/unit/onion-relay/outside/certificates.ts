// An authority of the test's own, and the certificates that it gives to servers.
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { DAY, systemClock } from '../../../../src/base/clock.ts'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface Authority {
  readonly cert: string
  /** A certificate for a server of this name. */
  certify(name: string): Promise<Certificate>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export async function createAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const root: X509Certificate = await X509CertificateGenerator.createSelfSigned(
    { ...validity(), name: 'CN=Test authority', keys, extensions: [new BasicConstraintsExtension(true, 0, true)] },
    webcrypto,
  )
  return {
    cert: root.toString('pem'),
    async certify(name) {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
      const certificate = await X509CertificateGenerator.create(
        {
          ...validity(),
          subject: 'CN=Test server',
          issuer: root.subject,
          signingKey: keys.privateKey,
          publicKey: own.publicKey,
          extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
        },
        webcrypto,
      )
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey))
      const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      return { key: key.export({ format: 'pem', type: 'pkcs8' }).toString(), cert: certificate.toString('pem') }
    },
  }
}

function validity() {
  const nowMs = systemClock.nowMs()
  return {
    serialNumber: randomBytes(15).toString('hex').padStart(32, '01'),
    notBefore: new Date(nowMs - DAY),
    notAfter: new Date(nowMs + DAY),
    signingAlgorithm: ALGORITHM,
  }
}
