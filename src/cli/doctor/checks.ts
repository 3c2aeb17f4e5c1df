import { CHAIN_CHECKS } from './chain-checks.ts'
import type { DoctorCheck } from './check.ts'
import { DATA_CHECKS } from './data-checks.ts'
import { MACHINE_CHECKS } from './machine-checks.ts'
import { NETWORK_CHECKS } from './network-checks.ts'
import { NODE_CHECKS } from './node-checks.ts'

/** All of them, in the order in which they are told: what others depend on goes first. */
export const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  ...NODE_CHECKS,
  ...DATA_CHECKS,
  ...MACHINE_CHECKS,
  ...CHAIN_CHECKS,
  ...NETWORK_CHECKS,
]
