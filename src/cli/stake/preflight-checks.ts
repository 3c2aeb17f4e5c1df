import { chainChecks } from './preflight-chain.ts'
import type { Check, PreflightContext } from './preflight-check.ts'
import { machineChecks } from './preflight-machine.ts'

/** What holds whoever stakes: the chain with who tells of it, and the machine. In order, for the later ones make sense when the earlier ones pass. */
export function preflightChecks(context: PreflightContext): readonly Check[] {
  return [...chainChecks(context), ...machineChecks(context)]
}
