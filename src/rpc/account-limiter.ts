import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { RateLimiter, retryAfterSeconds } from '../base/rate-limiter.ts'
import type { AccountId } from '../protocol/account.ts'
import type { Authentication } from '../protocol/client-api/authentication.ts'
import { RpcError } from './errors.ts'
import type { RpcMetrics } from './metrics.ts'
import type { AccountUse, RpcOptions } from './options.ts'

export interface AccountUser {
  readonly account: AccountId
  /** Of a request whose signature has been checked; absent when it needs none. */
  readonly authentication?: Authentication | undefined
}

export interface AccountLimiterComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly metrics: Pick<RpcMetrics, 'limited'>
}

type LimiterOptions = Pick<RpcOptions, 'accountRates' | 'subaccountRates' | 'accountsMax'>

/**
 * Bounds what is done with one account, whichever way its requests come: behind a guard there are no addresses. A signature is
 * checked before, so that nobody uses up the tokens of somebody else.
 */
export class AccountLimiter {
  readonly #metrics: Pick<RpcMetrics, 'limited'>
  readonly #accounts: Readonly<Record<AccountUse, RateLimiter>>
  readonly #subaccounts: Readonly<Record<'reads' | 'writes', RateLimiter>>

  constructor({ clock, metrics }: AccountLimiterComponents, options: LimiterOptions) {
    this.#metrics = metrics
    // Whoever would flush the buckets out has to make more requests than a full bucket is worth.
    const bounds = { keysMax: options.accountsMax, whenFull: 'forget' } as const
    const { openReads, openWrites, reads, writes } = options.accountRates
    this.#accounts = {
      reads: new RateLimiter({ clock }, { ...reads, ...bounds }),
      writes: new RateLimiter({ clock }, { ...writes, ...bounds }),
      openReads: new RateLimiter({ clock }, { ...openReads, ...bounds }),
      openWrites: new RateLimiter({ clock }, { ...openWrites, ...bounds }),
    }
    this.#subaccounts = {
      reads: new RateLimiter({ clock }, { ...options.subaccountRates.reads, ...bounds }),
      writes: new RateLimiter({ clock }, { ...options.subaccountRates.writes, ...bounds }),
    }
  }

  /**
   * Takes a token of the account; of one of its subaccounts first, so that no member of a group uses up what all of them have.
   * @throws {RpcError} RATE_EXCEEDED
   */
  take(use: AccountUse, { account, authentication }: AccountUser): void {
    const token = authentication?.subaccount?.token
    if (token !== undefined && isSigned(use)) this.#takeFrom(this.#subaccounts[use], toHex(token), use)
    this.#takeFrom(this.#accounts[use], account, use)
  }

  /** Takes what an answer of so many bytes costs besides the request. */
  chargeBytes(use: AccountUse, user: AccountUser, bytes: number): void {
    this.charge(use, user, Math.floor(bytes / BYTES_PER_TOKEN))
  }

  /** Takes tokens for work that has been done already. A member of a group gets into debt for it, and not the group. */
  charge(use: AccountUse, { account, authentication }: AccountUser, tokens: number): void {
    const token = authentication?.subaccount?.token
    if (token === undefined || !isSigned(use)) return void this.#accounts[use].charge(account, tokens)
    this.#subaccounts[use].charge(toHex(token), tokens)
    this.#accounts[use].drain(account, tokens)
  }

  #takeFrom(limiter: RateLimiter, key: string, use: AccountUse): void {
    if (limiter.take(key)) return
    this.#metrics.limited.inc({ use })
    throw rateExceeded(limiter.waitMs(key))
  }
}

function isSigned(use: AccountUse): use is 'reads' | 'writes' {
  return use === 'reads' || use === 'writes'
}

export function rateExceeded(waitMs: number): RpcError {
  const details = { retryAfterSeconds: retryAfterSeconds(waitMs) }
  return new RpcError('RATE_EXCEEDED', 'Too many requests, try again later', { details })
}

/** Reading and sealing so much costs about as much as the request itself. */
const BYTES_PER_TOKEN = 64 * 1024
