import { toBase64, toHex } from '../../base/bytes.ts'
import { SECOND, type TimestampMs } from '../../base/clock.ts'
import { sign } from '../../crypto/signature.ts'
import { accountPrefix, SESSION_ID_PREFIX } from '../../protocol/account.ts'
import { monitorSignedText } from '../../protocol/client-api/monitor.ts'
import type { JsonObject } from '../../protocol/json.ts'
import type { Namespace } from '../../protocol/namespace.ts'
import type { Signer } from '../signer.ts'

/** The signed dictionary that asks for news of an account, as JSON (docs/protocol/monitor.md). Data is never asked for. */
export function monitorParams(
  { id, ed25519, pass }: Signer,
  namespaces: readonly Namespace[],
  nowMs: TimestampMs,
): JsonObject {
  const timestampS = Math.floor(nowMs / SECOND)
  const text = monitorSignedText(id, { timestampS, wantsData: false, namespaces })
  return {
    // The key of a Session id is X25519, so nodes are told the Ed25519 key behind it.
    ...(accountPrefix(id) === SESSION_ID_PREFIX ? { P: pass?.ownerKey ?? toHex(ed25519.publicKey) } : { p: id }),
    ...(pass !== undefined && { S: pass.signature, T: pass.token }),
    n: namespaces,
    s: toBase64(sign(text, ed25519.secretKey)),
    t: timestampS,
  }
}
