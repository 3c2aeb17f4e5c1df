import { stringify } from 'yaml'
import type { CommandOutcome } from '../command-outcome.ts'
import { environmentName } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { serviceNodeFlags } from '../options/service-node.ts'
import { type Configuration, type ConfigurationSource, readConfiguration } from './configuration.ts'
import type { GivenValue } from './layers.ts'
import { describeOrigin, describeProblem } from './problem.ts'
import { shownValue } from './shown-value.ts'

const flags: Readonly<Record<string, { readonly reloads?: true }>> = serviceNodeFlags

/** Shows what a node would run with and, if asked, where each value comes from. Secrets are masked. */
export async function showConfiguration(
  source: ConfigurationSource,
  { origin: withOrigins }: { readonly origin: boolean },
): Promise<CommandOutcome> {
  const configuration = await readConfiguration(source)
  const { file, network, values } = configuration
  const problems = configuration.problems.map(describeProblem)
  const options = Object.fromEntries([...values].map(([name, given]) => [name, jsonOfValue(name, given)]))
  const trouble =
    problems.length === 0 ? [] : ['# A node would not start with this:', ...problems.map((one) => `#   ${one}`)]
  return {
    result: { valid: problems.length === 0, file: file ?? null, network, options, problems },
    lines: [...linesOf(configuration, withOrigins), ...trouble],
    ...(problems.length > 0 && { exitCode: EXIT.usage }),
  }
}

/** As a configuration file has them, so that only what is masked keeps it from being one. */
function linesOf({ network, values }: Configuration, withOrigins: boolean): readonly string[] {
  const pairs = [...values].map(
    ([name, given]) => [yamlLine(name, shownValue(name, given.value)), noteOf(name, given)] as const,
  )
  const width = Math.max(...pairs.map(([text]) => text.length))
  const lines = pairs.map(([text, note]) => (withOrigins ? `${text.padEnd(width)}  # ${note}` : text))
  return [yamlLine('network', network), ...lines]
}

function noteOf(name: string, { origin }: GivenValue): string {
  return flags[name]?.reloads === true ? `${describeOrigin(origin)}; reloads` : describeOrigin(origin)
}

function yamlLine(name: string, value: unknown): string {
  return stringify({ [name]: value }, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false })
    .trim()
    .replace(/^\{|\}$/g, '')
}

function jsonOfValue(name: string, { value, origin }: GivenValue) {
  return {
    value: shownValue(name, value),
    origin: describeOrigin(origin),
    ...origin,
    environment: environmentName(name),
    reloads: flags[name]?.reloads === true,
  }
}
