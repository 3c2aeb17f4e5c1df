// What Prometheus is told to watch for: checked here as far as it can be without Prometheus, and by promtool where that is.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { ALERT_NAMES, ALERTS } from '../../../scripts/monitoring/alerts/all-alerts.ts'
import { catalogue } from '../../../scripts/monitoring/catalogue.ts'
import { realPace } from '../../../scripts/monitoring/pace.ts'
import { DRILLS } from '../../drills/alerts/all-drills.ts'
import { selectorsIn } from './selectors.ts'

const FOLDER = 'deploy/prometheus'
const read = (path: string) => readFileSync(path, 'utf8')
const rules = (
  parse(read(`${FOLDER}/alerts.yml`)) as {
    groups: {
      rules: { alert: string; expr: string; for: string; labels: object; annotations: Record<string, string> }[]
    }[]
  }
).groups.flatMap((group) => group.rules)
const tests = (
  parse(read(`${FOLDER}/alerts.test.yml`)) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[]
  }
).tests.flatMap(({ alert_rule_test }) => alert_rule_test)
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

test('there are fifteen alerts or more, each once, and each has a severity, a summary and a description', () => {
  expect(rules.length).toBeGreaterThanOrEqual(15)
  expect(rules.map(({ alert }) => alert)).toEqual(ALERT_NAMES)
  for (const { labels, annotations } of rules) {
    expect(labels).toEqual({ severity: expect.stringMatching(/^(critical|warning|info)$/) })
    expect(annotations['summary']).toMatch(/^(\{\{ \$labels\.instance \}\}|Prometheus) [a-z]/)
    expect(annotations['description']).toMatch(/^[A-Z`].*\.$/)
  }
})

test('every alert asks for metrics and labels that there are, and compares with a bound, or asks whether there is anything', () => {
  for (const { alert, expr } of rules) {
    const names = selectorsIn(expr).map(({ name }) => name)
    expect([alert, names.length > 0]).toEqual([alert, true])
    expect([alert, expr]).toEqual([alert, expect.stringMatching(/ (>|<|==) -?[\d.]+|^absent\(/)])
    for (const { name, labels } of selectorsIn(expr)) {
      if (name === 'up') continue
      const metric = catalogue.find((one) => name.replace(/_(bucket|sum|count)$/, '') === one.name || name === one.name)
      expect([alert, name, metric !== undefined]).toEqual([alert, name, true])
      expect([alert, labels.filter((label) => !metric?.labels.includes(label))]).toEqual([alert, []])
    }
  }
})

test('every alert has its place in the runbook, and the runbook has no others', () => {
  const titles = [...read('docs/monitoring.md').matchAll(/^### (Starling\w+)$/gm)].map(([, title = '']) => title)
  expect(titles.toSorted()).toEqual(ALERT_NAMES.toSorted())
  for (const { alert, annotations } of rules) {
    expect(annotations['runbook']).toBe(`docs/monitoring.md#${alert.toLowerCase()}`)
  }
})

test('every alert has a case in which it fires, one in which it does not, and a drill', () => {
  const drilled = DRILLS.flat().flatMap(({ alerts }): readonly string[] => alerts)
  expect(drilled.toSorted()).toEqual(ALERT_NAMES.toSorted())
  for (const name of ALERT_NAMES) {
    const cases = tests.filter(({ alertname }) => alertname === name)
    expect([name, cases.some(({ exp_alerts }) => exp_alerts !== undefined)]).toEqual([name, true])
    expect([name, cases.some(({ exp_alerts }) => exp_alerts === undefined)]).toEqual([name, true])
  }
})

test('what wakes somebody holds for a while first, but for what is gone before one can look', () => {
  const atOnce = ALERT_NAMES.filter((name) => ALERTS[name].severity === 'critical' && ALERTS[name].holdS === 0)
  expect(atOnce).toEqual(['StarlingStorageFull', 'StarlingContractChanged'])
  for (const name of ALERT_NAMES) expect(ALERTS[name].condition(realPace)).not.toContain('undefined')
})

if (!hasPromtool) console.warn('SKIPPED: promtool is not there (Debian: apt-get install prometheus)')

test.skipIf(!hasPromtool)(
  'promtool accepts configuration and rules, and its tests of the rules pass',
  () => {
    for (const args of [
      ['check', 'config', `${FOLDER}/prometheus.yml`],
      ['check', 'rules', `${FOLDER}/alerts.yml`],
      ['test', 'rules', `${FOLDER}/alerts.test.yml`],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
      expect([args.join(' '), status, `${stdout}${stderr}`]).toEqual([args.join(' '), 0, expect.anything()])
    }
    // Days of samples, of a minute each.
  },
  180_000,
)
