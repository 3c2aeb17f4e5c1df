import { type NodePlaceArgs, nodePlaceFlags } from '../status/options.ts'

export interface TopArgs extends NodePlaceArgs {
  readonly interval: number
  readonly once: boolean
}

/** Faster than anybody reads, and slower than anybody waits. */
export const INTERVAL_S = { min: 0.5, max: 3600 }

export const topFlags = {
  interval: { type: 'number', describe: 'Seconds between two looks', default: 2, requiresArg: true },
  once: { type: 'boolean', describe: 'Print what there is to see once, and end', default: false },
  ...nodePlaceFlags,
  json: { ...nodePlaceFlags.json, describe: 'Print a JSON document a line at every look, for scripts' },
} as const
