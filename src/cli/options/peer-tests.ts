import { SECOND } from '../../base/clock.ts'
import { defaultPeerTestsOptions as defaults, type PeerTestsOptions } from '../../peer-tests/options.ts'
import type { OptionGroup } from './option-group.ts'

export type PeerTestsArgs = {
  'peerTests.intervalS': number
  'peerTests.reportIntervalS': number
}

export const peerTestsOptionGroup: OptionGroup<PeerTestsArgs, PeerTestsOptions> = {
  flags: {
    'peerTests.intervalS': {
      type: 'number',
      describe: 'Seconds between two tests of a random service node',
      default: defaults.intervalMs / SECOND,
      min: 1,
    },
    'peerTests.reportIntervalS': {
      type: 'number',
      describe: 'Seconds between two reports to the service nodes that were tested',
      default: defaults.reportIntervalMs / SECOND,
      min: 10,
    },
  },
  parse: (args) => ({
    ...defaults,
    intervalMs: args['peerTests.intervalS'] * SECOND,
    reportIntervalMs: args['peerTests.reportIntervalS'] * SECOND,
    // In the same proportion, so that one report may be lost.
    reportMemoryMs: (args['peerTests.reportIntervalS'] * SECOND * defaults.reportMemoryMs) / defaults.reportIntervalMs,
  }),
}
