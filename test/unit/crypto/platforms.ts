// The primitives of each platform, with what is exported under the same names: each must do the same.
import * as aead from '../../../src/crypto/aead.ts'
import * as browserAead from '../../../src/crypto/browser/aead.ts'
import * as browserHash from '../../../src/crypto/browser/hash.ts'
import * as browserKeyAgreement from '../../../src/crypto/browser/key-agreement.ts'
import * as browserKeyDerivation from '../../../src/crypto/browser/key-derivation.ts'
import * as browserMac from '../../../src/crypto/browser/mac.ts'
import * as browserSealedBox from '../../../src/crypto/browser/sealed-box.ts'
import * as browserSignature from '../../../src/crypto/browser/signature.ts'
import * as hash from '../../../src/crypto/hash.ts'
import * as keyAgreement from '../../../src/crypto/key-agreement.ts'
import * as keyDerivation from '../../../src/crypto/key-derivation.ts'
import * as mac from '../../../src/crypto/mac.ts'
import * as sealedBox from '../../../src/crypto/sealed-box.ts'
import * as signature from '../../../src/crypto/signature.ts'

export const NODE = { ...aead, ...hash, ...keyAgreement, ...keyDerivation, ...mac, ...sealedBox, ...signature }

/** Runs under Node, too: it needs nothing but JavaScript. */
export const BROWSER: typeof NODE = {
  ...browserAead,
  ...browserHash,
  ...browserKeyAgreement,
  ...browserKeyDerivation,
  ...browserMac,
  ...browserSealedBox,
  ...browserSignature,
}

export const PLATFORMS = [
  { platform: 'Node', primitives: NODE },
  { platform: 'a browser', primitives: BROWSER },
]
