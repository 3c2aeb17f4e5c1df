import { lstat, mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { utf8 } from '../../base/bytes.ts'
import { createDataFolder } from '../../node/data-folder.ts'
import { createKeyFiles, missingKeyFiles, readKeyFiles, wipeKeys } from '../../node/key-files.ts'
import { createSecretFile } from '../../node/secret-file.ts'
import type { CommandOutcome } from '../command-outcome.ts'
import { baseFlags } from '../config/base-flags.ts'
import { type ConfigurationSource, requireConfiguration } from '../config/configuration.ts'
import { environmentLayer, flagLayer, type KnownOptions } from '../config/layers.ts'
import { publicKeyLines, publicKeysOf } from '../keys/public-keys.ts'
import { OptionsError } from '../options/check.ts'
import { serviceNodeFlags } from '../options/service-node.ts'
import type { Terminal } from '../terminal.ts'
import { type Answers, gatherAnswers } from './answers.ts'
import { configurationText } from './configuration-text.ts'
import { nextSteps } from './next-steps.ts'
import { defaultConfigurationPath, defaultKeysFolder, type InitArgs } from './options.ts'
import { openQuestions } from './questions.ts'

const known: KnownOptions = new Map(Object.entries({ ...serviceNodeFlags, ...baseFlags }))

/** What there was before, and what is new. */
interface Made {
  readonly created: readonly string[]
  readonly kept: readonly string[]
}

/**
 * Makes all that a node needs to start: one file, two folders and two keys. What is there already stays as it is, so it can be run again.
 * @throws {OptionsError} @throws {CommandError} @throws {SecretFileError} @throws {DataFolderError}
 */
export async function initialize(
  args: Pick<InitArgs, 'non-interactive'>,
  source: ConfigurationSource,
  terminal?: Terminal,
): Promise<CommandOutcome> {
  const given = givenAnswers(source)
  const path = resolve(String(given['config'] ?? defaultConfigurationPath()))
  const { config: _, ...answers } = given
  const isNew = !(await exists(path))
  const written = isNew
    ? await writeConfiguration(path, answers, !args['non-interactive'], terminal)
    : await keepConfiguration(path, answers)
  const { dataFolder, keysFolder, staking } = written.node
  const folders = await makeFolder(dataFolder)
  const keys = await makeKeys(keysFolder)
  const kept = [...written.made.kept, ...folders.kept, ...keys.made.kept]
  const created = [...written.made.created, ...folders.created, ...keys.made.created]
  const next = nextSteps({ path, keysFolder, staking })
  return {
    result: { configuration: path, created, kept, keys: keys.shown, next },
    lines: [
      ...created.map((one) => `Created ${one}`),
      ...kept.map((one) => `Kept ${one}, as it was`),
      ...publicKeyLines(keys.shown),
      '',
      'Next:',
      ...next.map((command) => `  ${command}`),
    ],
  }
}

/**
 * Flags before the environment: both are written down, so that the file is whole. Only where metrics are served is not taken from the
 * environment: that is where the container's network wants them, and wrong wherever else the file goes.
 */
function givenAnswers({ flags, environment }: ConfigurationSource): Answers {
  const surroundings = [...environmentLayer(environment, known).values].filter(([name]) => !name.startsWith('metrics.'))
  const given = [...surroundings, ...flagLayer(flags, known).values]
  return Object.fromEntries(given.map(([name, { value }]) => [name, value]))
}

async function writeConfiguration(path: string, given: Answers, mayAsk: boolean, terminal: Terminal | undefined) {
  using questions = mayAsk ? openQuestions(terminal) : undefined
  const answers = resolved(await gatherAnswers(given, questions))
  const { options } = await requireConfiguration({ flags: answers, environment: {} })
  await mkdir(dirname(path), { recursive: true, mode: 0o750 })
  // RPC URLs hold keys.
  await createSecretFile(path, utf8(configurationText(answers)))
  return { node: options.node, made: { created: [path], kept: [] } }
}

/** Services start in another folder. */
function resolved(answers: Answers): Answers {
  const dataFolder = resolve(String(answers['dataFolder']))
  const keysFolder = resolve(String(answers['keysFolder'] ?? defaultKeysFolder(dataFolder)))
  return { ...answers, dataFolder, keysFolder, ...presetOf(answers) }
}

function presetOf({ network }: Answers): Answers {
  return /[/.]/.test(String(network)) ? { network: resolve(String(network)) } : {}
}

/** A file that is there is the operator's: it must be sound, and say what was given now. */
async function keepConfiguration(path: string, given: Answers) {
  const { options, values, network } = await requireConfiguration({ flags: { config: path }, environment: {} })
  const said = new Map([...values].map(([name, { value }]) => [name, value])).set('network', network)
  const other = Object.entries(given).filter(([name, value]) => !isDeepStrictEqual(said.get(name), value))
  if (other.length > 0) {
    const names = other.map(([name]) => name).join(', ')
    const message = `${path} exists and says otherwise about ${names}: it is never overwritten. Edit it, or give another --config`
    throw new OptionsError('CONFIG_EXISTS', message, { details: { path } })
  }
  return { node: options.node, made: { created: [], kept: [path] } }
}

async function makeFolder(path: string): Promise<Made> {
  if (await exists(path)) return { created: [], kept: [path] }
  await createDataFolder(path)
  return { created: [path], kept: [] }
}

async function makeKeys(folder: string) {
  const missing = await missingKeyFiles(folder)
  // One of the two is the half of a pair that is somewhere else: reading says so.
  const isNew = missing.length === 2
  const keys = isNew ? await createKeyFiles(folder) : await readKeyFiles(folder)
  wipeKeys(keys)
  const named = `${folder} with both keys`
  return { shown: publicKeysOf(keys), made: isNew ? { created: [named], kept: [] } : { created: [], kept: [named] } }
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
