import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { DevnetNode } from '../../devnet/network.ts'
import { DAY } from '../../src/base/clock.ts'
import { storeAnew } from '../support/store-anew.ts'

const DATA_BYTES = 1_024

/** How long stores took, from when each was due, so that one that holds up the next counts for both. */
export interface StoreTimes {
  readonly ms: number[]
  /** Without an answer, or with another than success. */
  failed: number
}

/** Stores at a fixed rate, whether answers come or not, at one member after the other, until it is told to stop. */
export async function storePaced(
  members: readonly DevnetNode[],
  perSecond: number,
  signal: AbortSignal,
): Promise<StoreTimes> {
  const times: StoreTimes = { ms: [], failed: 0 }
  const underWay: Promise<void>[] = []
  const begunMs = performance.now()
  for (let number = 0; !signal.aborted; number++) {
    const dueMs = begunMs + (number * 1_000) / perSecond
    await delay(Math.max(0, dueMs - performance.now()))
    const member = members[number % members.length]
    if (member !== undefined) underWay.push(storeOne(member, dueMs, times))
  }
  await Promise.all(underWay)
  return times
}

async function storeOne(member: DevnetNode, dueMs: number, times: StoreTimes): Promise<void> {
  const answer = await storeAnew(member, randomBytes(DATA_BYTES), DAY).catch(() => undefined)
  if (answer?.status !== 200) times.failed++
  else times.ms.push(performance.now() - dueMs)
}

export function percentile(values: readonly number[], share: number): number {
  const ascending = [...values].sort((a, b) => a - b)
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN
}
