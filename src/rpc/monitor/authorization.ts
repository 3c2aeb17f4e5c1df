import { concat } from '../../base/bytes.ts'
import type { TimestampMs } from '../../base/clock.ts'
import { type AccountId, accountIdFromBytes, SESSION_ID_PREFIX } from '../../protocol/account.ts'
import type { Authentication } from '../../protocol/client-api/authentication.ts'
import { isMonitorTimestampTaken, type MonitorRequest, monitorSignedText } from '../../protocol/client-api/monitor.ts'
import { MONITOR_ERROR, monitorRefusal } from '../../protocol/client-api/monitor-error.ts'
import { SUBACCOUNT_READ } from '../../protocol/client-api/subaccount.ts'
import { isUnrevocable } from '../../protocol/namespace.ts'
import type { Authenticator } from '../authentication.ts'
import { RpcError } from '../errors.ts'
import type { X25519Images } from '../x25519-images.ts'

export interface MonitorAuthorizationComponents {
  readonly authenticator: Authenticator
  readonly images: X25519Images
}

/** Who may be told of which account's messages. */
export class MonitorAuthorization {
  readonly #components: MonitorAuthorizationComponents

  constructor(components: MonitorAuthorizationComponents) {
    this.#components = components
  }

  /** @throws {ProtocolError} PARAMETER_INVALID with errcode 2, for a key that is no account's */
  accountOf({ owner }: MonitorRequest): AccountId {
    if ('account' in owner) return owner.account
    const image = this.#components.images.imageOf(owner.ed25519)
    const account = image && accountIdFromBytes(concat(Uint8Array.of(SESSION_ID_PREFIX), image))
    if (account === undefined) throw monitorRefusal(MONITOR_ERROR.badAccount, "Invalid value given for 'P'")
    return account
  }

  /** @throws {RpcError} CLOCK_DIFFERS, SIGNATURE_REFUSED */
  check(account: AccountId, request: MonitorRequest, nowMs: TimestampMs): void {
    if (!isMonitorTimestampTaken(request.timestampS, nowMs)) {
      throw new RpcError('CLOCK_DIFFERS', 'monitor timestamp too far from current time')
    }
    this.#components.authenticator.require({
      account,
      authentication: authenticationOf(request),
      signedText: monitorSignedText(account, request),
      access: SUBACCOUNT_READ,
      unrevocable: request.namespaces.every(isUnrevocable),
      refusal: 'monitor signature verification failed',
    })
  }
}

export function authenticationOf({ owner, signature, subaccount }: MonitorRequest): Authentication {
  return {
    signature,
    ...('ed25519' in owner && { ed25519: owner.ed25519 }),
    ...(subaccount !== undefined && { subaccount }),
  }
}
