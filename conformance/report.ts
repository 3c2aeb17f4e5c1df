import type { ConformanceCase } from './case.ts'
import type { CaseOutcome, Verdict } from './runner.ts'
import type { TestedNetwork } from './suite.ts'
import type { TransportName } from './transport.ts'

const MARKS: Readonly<Record<Verdict, string>> = { pass: 'pass', fail: 'FAIL', 'not applicable': 'n/a' }
const COLUMNS: readonly TransportName[] = ['https', 'onion']
const NAME_WIDTH = 92

/** One line of the table. */
interface Row {
  readonly case: ConformanceCase
  readonly outcomes: ReadonlyMap<TransportName, CaseOutcome>
}

/** The table for people: a line for each case, what failed and how, and the sums. */
export function printedReport(outcomes: readonly CaseOutcome[]): string {
  const rows = rowsOf(outcomes)
  const lines: string[] = []
  for (const [subject, ofSubject] of Map.groupBy(rows, (row) => row.case.subject)) {
    lines.push('', line(subject, 'basis', COLUMNS), ...ofSubject.map(rowLine))
  }
  return [...lines, ...failureLines(outcomes), '', ...sumLines(outcomes)].join('\n')
}

function rowsOf(outcomes: readonly CaseOutcome[]): readonly Row[] {
  const byCase = Map.groupBy(outcomes, (outcome) => outcome.case)
  return [...byCase].map(([one, list]) => ({
    case: one,
    outcomes: new Map(list.map((outcome) => [outcome.transport, outcome])),
  }))
}

function rowLine({ case: { name, basis }, outcomes }: Row): string {
  const cells = COLUMNS.map((column) => {
    const verdict = outcomes.get(column)?.verdict
    return verdict === undefined ? '-' : MARKS[verdict]
  })
  return line(`  ${name}`, basis, cells)
}

function line(first: string, second: string, rest: readonly string[]): string {
  const name = first.length > NAME_WIDTH ? `${first.slice(0, NAME_WIDTH - 1)}…` : first.padEnd(NAME_WIDTH)
  return [name, second.padEnd(5), ...rest.map((cell) => cell.padEnd(5))].join('  ').trimEnd()
}

function failureLines(outcomes: readonly CaseOutcome[]): readonly string[] {
  return outcomes
    .filter(({ verdict }) => verdict === 'fail')
    .flatMap(({ case: { subject, name }, transport, reason, expected, actual }) => [
      '',
      `FAIL ${subject} over ${transport}: ${name}`,
      `  ${reason}`,
      ...(expected === undefined ? [] : [`  expected: ${expected}`, `  actual:   ${actual}`]),
    ])
}

function sumLines(outcomes: readonly CaseOutcome[]): readonly string[] {
  const reasons = new Set(
    outcomes.flatMap(({ verdict, reason = '' }) => (verdict === 'not applicable' ? [reason] : [])),
  )
  return [
    ...COLUMNS.map((column) =>
      sumLine(
        column,
        outcomes.filter(({ transport }) => transport === column),
      ),
    ),
    ...(reasons.size > 0 ? [`Not applicable because ${[...reasons].join('; ')}`] : []),
  ]
}

function sumLine(column: TransportName, outcomes: readonly CaseOutcome[]): string {
  const count = (verdict: Verdict) => outcomes.filter((outcome) => outcome.verdict === verdict).length
  const failedOfSpec = outcomes.filter((one) => one.verdict === 'fail' && one.case.basis === 'spec').length
  const split = `${failedOfSpec} of them of the protocol itself`
  return `${column}: ${outcomes.length} cases, ${count('pass')} pass, ${count('fail')} fail (${split}), ${count('not applicable')} not applicable`
}

/** One object for programs. */
export function jsonReport(network: TestedNetwork, outcomes: readonly CaseOutcome[]): object {
  return {
    ...network,
    results: outcomes.map(
      ({ case: { subject, aspect, name, basis }, transport, verdict, durationMs, reason, expected, actual }) => ({
        subject,
        aspect,
        name,
        basis,
        transport,
        verdict,
        durationMs,
        ...(reason !== undefined && { reason }),
        ...(expected !== undefined && { expected, actual }),
      }),
    ),
  }
}
