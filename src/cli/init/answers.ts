import { resolve } from 'node:path'
import { NETWORK_PRESETS, presetLayer } from '../config/layers.ts'
import { describeProblem } from '../config/problem.ts'
import { type CheckedFlag, valueFault } from '../options/check.ts'
import { serviceNodeFlags } from '../options/service-node.ts'
import { defaultDataFolder, detectedPublicIp } from './options.ts'
import { nobodyThere, type Questioner } from './questions.ts'

/** What is to be written down, by option. */
export type Answers = Readonly<Record<string, unknown>>

const flags: Readonly<Record<string, CheckedFlag>> = serviceNodeFlags

interface Asked {
  readonly option: string
  readonly text: string
  /** Whether it has to be asked at all, seen what is known by then. */
  readonly isNeeded?: (known: Answers) => boolean
  readonly byDefault: (known: Answers) => string | undefined
  /** What there is to choose from, for who cannot be asked. */
  readonly choices?: readonly string[]
  /** The option's value of what was typed. */
  readonly value?: (answer: string) => unknown
}

/** All that is ever asked: five questions at most. */
const QUESTIONS: readonly Asked[] = [
  {
    option: 'network',
    text: `Network (${NETWORK_PRESETS.join(', ')}, or a file of one's own)`,
    // Money goes by it: nobody is put on a network that they did not name.
    byDefault: () => undefined,
    choices: NETWORK_PRESETS,
  },
  {
    option: 'publicIp',
    text: 'Public IP address of this machine',
    byDefault: (known) => detectedPublicIp() ?? (allowsPrivate(known) ? '127.0.0.1' : undefined),
  },
  {
    option: 'dataFolder',
    text: 'Folder for keys and messages',
    byDefault: defaultDataFolder,
    value: (text) => resolve(text),
  },
  {
    option: 'staking.rpcUrls',
    text: 'RPC URLs of the chain, with commas between (two, of different vendors)',
    byDefault: () => undefined,
    value: (text) => text.split(',').map((url) => url.trim()),
  },
  {
    option: 'staking.contract',
    text: 'Address of the staking contract',
    isNeeded: (known) => presetValue(known, 'staking.contract') === undefined,
    byDefault: () => undefined,
  },
]

/**
 * What was given, and what a person answers about the rest. Without a person, the rest has its default.
 * @throws {CommandError} CONFIRMATION_IMPOSSIBLE, naming what must be given where nobody can be asked
 */
export async function gatherAnswers(given: Answers, questions: Questioner | undefined): Promise<Answers> {
  let known = given
  for (const asked of QUESTIONS) {
    if (known[asked.option] !== undefined || asked.isNeeded?.(known) === false) continue
    known = { ...known, [asked.option]: await answerTo(asked, known, questions) }
  }
  return known
}

async function answerTo(asked: Asked, known: Answers, questions: Questioner | undefined): Promise<unknown> {
  const { option, text, value = (answer: string) => answer } = asked
  const byDefault = asked.byDefault(known)
  if (questions !== undefined) {
    const refusal = (answer: string) => refusalOf(option, value(answer))
    return value(await questions.ask({ text, byDefault, refusal }))
  }
  if (byDefault === undefined) throw nobodyThere(withoutDefault(known))
  return value(byDefault)
}

/** What has to be given where nobody can be asked; the contract is told once it is known that the network has none. */
function withoutDefault(known: Answers): readonly string[] {
  const isNetworkKnown = known['network'] !== undefined
  return QUESTIONS.filter(({ option, isNeeded, byDefault }) => {
    if (known[option] !== undefined) return false
    if (isNeeded !== undefined && !(isNetworkKnown && isNeeded(known))) return false
    return byDefault(known) === undefined
  }).map(({ option, choices }) => (choices === undefined ? option : `${option} ${choices.join('|')}|FILE`))
}

function refusalOf(option: string, value: unknown): string | undefined {
  if (option === 'network') return presetLayer(String(value), undefined).problems.map(describeProblem)[0]
  const flag = flags[option]
  const fault = flag === undefined ? undefined : valueFault(flag, value)
  if (fault === undefined) return undefined
  return `It ${fault.reason}${fault.hint === undefined ? '' : `. ${fault.hint}`}`
}

function allowsPrivate(known: Answers): boolean {
  return presetValue(known, 'network.allowPrivateAddresses') === true
}

function presetValue(known: Answers, option: string): unknown {
  return presetLayer(String(known['network']), undefined).values.get(option)?.value
}
