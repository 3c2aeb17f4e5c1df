import { stringify } from 'yaml'
import { serviceNodeFlags } from '../options/service-node.ts'
import type { Answers } from './answers.ts'

const flags: Readonly<Record<string, { readonly describe: string }>> = serviceNodeFlags

const HEAD = `# Configuration of a Starling service node, made by \`starling init\`. Every option and its default: docs/cli.md.
# After a change: starling config validate --config FILE
`

/** The file that a node starts with: each answer below what it is about. Everything else has its default. */
export function configurationText(answers: Answers): string {
  const { network, ...others } = answers
  const known = Object.keys(flags).filter((name) => others[name] !== undefined)
  const parts = known.map((name) => `# ${flags[name]?.describe ?? ''}.\n${stringify({ [name]: others[name] })}`)
  return [HEAD, `# The network that this node is part of.\n${stringify({ network })}`, ...parts].join('\n')
}
