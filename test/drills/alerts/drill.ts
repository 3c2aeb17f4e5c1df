import type { AlertName } from '../../../scripts/monitoring/alerts/all-alerts.ts'
import type { Field } from './field.ts'

/** Something that goes wrong on one node, or that this node sees. */
export interface Drill {
  /** What is done, in a few words. */
  readonly fault: string
  /** The node that the alerts are about. */
  readonly node: number | 'newcomer' | 'none'
  readonly alerts: readonly AlertName[]
  /** Makes it go wrong. What is returned goes on until it is disposed of, right before the mending. */
  provoke(field: Field): Promise<AsyncDisposable | undefined>
  mend(field: Field): Promise<void>
}
