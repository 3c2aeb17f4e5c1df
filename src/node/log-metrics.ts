import type { MetricsRegister } from '../base/metrics.ts'
import type { LogLevel } from './log-options.ts'

export function createLogMetrics(register: MetricsRegister) {
  return {
    lines: register.counter<{ level: LogLevel }>({
      name: 'starling_log_lines_total',
      help: 'Log lines written, by level',
      labelNames: ['level'],
    }),
    repeatedLines: register.counter({
      name: 'starling_log_repeated_lines_total',
      help: 'Log lines left out because the same part had just said the same too often; one line tells how often',
    }),
    lostLines: register.counter({
      name: 'starling_log_lost_lines_total',
      help: 'Log lines lost because whoever reads the log is too slow, or its disk is full',
    }),
  }
}

export type LogMetrics = ReturnType<typeof createLogMetrics>
