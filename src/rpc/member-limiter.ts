import type { Clock } from '../base/clock.ts'
import { RateLimiter } from '../base/rate-limiter.ts'
import type { AccountId } from '../protocol/account.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { rateExceeded } from './account-limiter.ts'
import type { LimitedUse, RpcMetrics } from './metrics.ts'
import type { RpcOptions } from './options.ts'

export interface MemberLimiterComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly metrics: Pick<RpcMetrics, 'limited'>
}

/**
 * Bounds what each other member passes on. The member has counted its clients' requests for each account already, so they are not
 * counted here again; but one that lies cannot be let write without end.
 */
export class MemberLimiter {
  readonly #metrics: Pick<RpcMetrics, 'limited'>
  readonly #requests: RateLimiter
  readonly #openWrites: RateLimiter

  constructor(
    { clock, metrics }: MemberLimiterComponents,
    options: Pick<RpcOptions, 'memberRate' | 'memberOpenWriteRate' | 'memberAccountsMax'>,
  ) {
    const bounds = { keysMax: options.memberAccountsMax, whenFull: 'forget' } as const
    this.#metrics = metrics
    this.#requests = new RateLimiter({ clock }, { ...options.memberRate, ...bounds })
    this.#openWrites = new RateLimiter({ clock }, { ...options.memberOpenWriteRate, ...bounds })
  }

  /** @throws {RpcError} RATE_EXCEEDED */
  take(member: ServiceNodeKey): void {
    this.#takeFrom(this.#requests, member, 'memberRequests')
  }

  /**
   * Anything else bears a signature of the account, which a member cannot make.
   * @throws {RpcError} RATE_EXCEEDED
   */
  takeOpenWrite(member: ServiceNodeKey, account: AccountId): void {
    this.#takeFrom(this.#openWrites, `${member} ${account}`, 'memberStores')
  }

  #takeFrom(limiter: RateLimiter, key: string, use: LimitedUse): void {
    if (limiter.take(key)) return
    this.#metrics.limited.inc({ use })
    throw rateExceeded(limiter.waitMs(key))
  }
}
