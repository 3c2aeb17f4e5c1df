import { totalmem } from 'node:os'
import type { Logger } from '../base/logger.ts'
import type { RpcOptions } from '../rpc/options.ts'
import { differences, settingsText } from './status-settings.ts'

const MIB = 1024 * 1024

/** What a node takes when nobody asks anything of it, its database filled, and half as much again for garbage that waits to be collected. */
const OWN_BYTES = 384 * MIB
/** From here on, all that clients may hold by default fits. */
const AMPLE_BYTES = 1024 * MIB
const READING_MIN_BYTES = 8 * MIB
/** A node that has less room than this serves slowly, but serves. */
const SHARE_MIN = 0.15

/** What the control group of this process may have; undefined where that is all there is. */
export function memoryBoundBytes(): number | undefined {
  const constrained = process.constrainedMemory()
  // Without a limit it is zero, or more than any machine has.
  return constrained > 0 && constrained < totalmem() ? constrained : undefined
}

/** Memory that there is for this process: what its control group may have, else that of the machine. */
export function memoryLimitBytes(): number {
  return memoryBoundBytes() ?? totalmem()
}

export type FitToMemory = <Options extends FittedOptions>(options: Options) => Options

type FittedOptions = Omit<RpcOptions, 'certificateFolder'>

/** Fits options as a running node does: what it takes away is told in the log, once for the same. */
export function createMemoryFit({ log }: { readonly log: Logger }, limitBytes: number): FitToMemory {
  let told = '{}'
  return (options) => {
    const fitted = fitToMemory(options, limitBytes)
    const before = settingsText({ rpc: options })
    const after = settingsText({ rpc: fitted })
    const lowered = differences(before, after).map((name) => [name, `${after[name]} instead of ${before[name]}`])
    const facts = Object.fromEntries(lowered)
    if (lowered.length > 0 && told !== JSON.stringify(facts)) {
      log.info(
        { memoryBytes: limitBytes, limits: facts },
        'There is not the memory for all limits as configured: these are lower',
      )
    }
    told = JSON.stringify(facts)
    return fitted
  }
}

/**
 * Takes from what clients may hold what there is no room for, so that a flood cannot make the node larger than its memory. Measured: a
 * connection takes some 60 KiB, and of each of the budgets of bytes as much again lies about as garbage.
 */
export function fitToMemory<Options extends FittedOptions>(options: Options, limitBytes: number): Options {
  const share = Math.min(1, Math.max(SHARE_MIN, (limitBytes - OWN_BYTES) / (AMPLE_BYTES - OWN_BYTES)))
  const of = (amount: number) => Math.floor(amount * share)
  const { monitor } = options
  return {
    ...options,
    connectionsMax: of(options.connectionsMax),
    requestsMax: of(options.requestsMax),
    // One body of the largest size must fit.
    bodiesMaxBytes: Math.max(of(options.bodiesMaxBytes), options.requestMaxBytes + MIB),
    answersMaxBytes: of(options.answersMaxBytes),
    // A handful of usual answers, or one of the largest size.
    readingMaxBytes: Math.max(of(options.readingMaxBytes), READING_MIN_BYTES),
    retrievedMaxBytes: of(options.retrievedMaxBytes),
    monitor: {
      ...monitor,
      connectionsMax: of(monitor.connectionsMax),
      waitsMax: of(monitor.waitsMax),
      outgoingMaxBytes: of(monitor.outgoingMaxBytes),
      queueMaxBytes: of(monitor.queueMaxBytes),
    },
  }
}
