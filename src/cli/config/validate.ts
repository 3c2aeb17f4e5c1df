import type { CommandOutcome } from '../command-outcome.ts'
import { EXIT } from '../exit-codes.ts'
import { type ConfigurationSource, readConfiguration } from './configuration.ts'
import { type ConfigurationProblem, describeOrigin, describeProblem } from './problem.ts'

/** Says all that would keep a node from starting with this configuration. Nothing is asked over the network, and nothing is written. */
export async function validateConfiguration(source: ConfigurationSource): Promise<CommandOutcome> {
  const { file, network, problems } = await readConfiguration(source)
  const subject = file ?? 'The configuration'
  const result = { valid: problems.length === 0, file: file ?? null, network, problems: problems.map(jsonOfProblem) }
  if (problems.length === 0) return { result, lines: [`${subject} is valid (network ${network})`] }
  const lines = problems.flatMap((problem) => {
    const { hint, ...rest } = problem
    return [describeProblem(rest), ...(hint === undefined ? [] : [`    ${hint}`])]
  })
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return { result, lines: [...lines, `${subject}: ${count}`], exitCode: EXIT.usage }
}

function jsonOfProblem({ code, option, origin, reason, hint }: ConfigurationProblem) {
  const { line = null, column = null, file = null } = 'file' in origin ? origin : {}
  const where = { layer: origin.layer, origin: describeOrigin(origin), file, line, column }
  return { code, key: option ?? null, ...where, reason, hint: hint ?? null }
}
