import { metrics } from '../catalogue.ts'
import { type Dashboard, line, mean, observed, quantile, RANGE, sumOf, sumOfRates, value } from './dashboard.ts'

const { log, node, process } = metrics

/** What a node costs its machine. */
export const processDashboard: Dashboard = {
  id: 'starling-process',
  title: 'Starling: process',
  rows: [
    {
      title: 'Memory',
      panels: [
        {
          title: 'Resident',
          kind: 'plot',
          unit: 'bytes',
          width: 8,
          targets: [line(value(process.residentMemory))],
        },
        { title: 'JavaScript heap', kind: 'plot', unit: 'bytes', width: 8, targets: [line(value(process.heapUsed))] },
        {
          title: 'Outside of the heap',
          kind: 'plot',
          unit: 'bytes',
          width: 8,
          targets: [line(value(process.externalMemory))],
        },
      ],
    },
    {
      title: 'Time',
      panels: [
        {
          title: 'Processors in use',
          kind: 'plot',
          unit: 'short',
          width: 12,
          targets: [line(sumOfRates(process.cpu, RANGE, ['instance']))],
        },
        {
          title: 'Event loop busy',
          kind: 'plot',
          unit: 'percentunit',
          width: 12,
          targets: [line(sumOfRates(process.loopBusy, RANGE, ['instance']))],
        },
        {
          title: 'Delay of the event loop: 99 of 100 turns',
          description: 'New requests are refused while the median of a second stays above a quarter of a second.',
          kind: 'plot',
          unit: 's',
          width: 12,
          limit: 0.25,
          targets: [line(quantile(0.99, process.loopDelay, RANGE, ['instance']))],
        },
        {
          title: 'Median delay of the event loop in the last second',
          kind: 'plot',
          unit: 's',
          width: 12,
          limit: 0.25,
          targets: [line(value(node.eventLoopDelay))],
        },
        {
          title: 'Collections of garbage',
          kind: 'plot',
          unit: 'ops',
          width: 12,
          targets: [line(observed(process.collections, RANGE, ['kind']), '{{kind}}')],
        },
        {
          title: 'Time of a collection, on average',
          kind: 'plot',
          unit: 's',
          width: 12,
          targets: [line(mean(process.collections, RANGE, ['kind']), '{{kind}}')],
        },
      ],
    },
    {
      title: 'Files, log and starts',
      panels: [
        {
          title: 'Open files and connections',
          kind: 'plot',
          unit: 'short',
          width: 6,
          targets: [line(value(process.openFiles))],
        },
        {
          title: 'Log lines',
          kind: 'plot',
          unit: 'ops',
          width: 6,
          targets: [line(sumOfRates(log.lines, RANGE, ['level']), '{{level}}')],
        },
        {
          title: 'Running since',
          kind: 'figure',
          unit: 'dateTimeFromNow',
          width: 6,
          targets: [line(value(process.startTime))],
        },
        {
          title: 'Nodes by version',
          kind: 'figure',
          unit: 'short',
          width: 6,
          targets: [line(sumOf(node.build, ['version', 'runtime']), '{{version}} on Node.js {{runtime}}')],
        },
      ],
    },
  ],
}
