import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { LOG_LEVELS } from '../src/node/log-options.ts'
import { type Devnet, startDevnet } from './network.ts'
import { readyEvent, writeNetworkFile } from './network-file.ts'
import { type DevnetOptions, defaultDevnetOptions, NODES_MAX, NODES_MIN } from './options.ts'
import { offerOwnNode } from './own-node.ts'
import { createReporter, type Reporter } from './reporter.ts'
import { type Story, tellStory } from './story.ts'

const EPOCH_S_MAX = 3600

const args = yargs(hideBin(process.argv))
  .scriptName('npm run devnet --')
  .usage(
    '$0\n\nA network of staked service nodes on this machine, with a chain of its own, and a message carried through it',
  )
  .options({
    nodes: {
      type: 'number',
      describe: `Service nodes, ${NODES_MIN} to ${NODES_MAX}`,
      default: defaultDevnetOptions.nodes,
    },
    once: { type: 'boolean', describe: 'Exit after the story: 0 when the message was read', default: false },
    keep: { type: 'boolean', describe: 'Keep keys, messages and logs when it ends', default: false },
    folder: {
      type: 'string',
      describe: 'Where to keep them; an empty or new folder',
      defaultDescription: 'a temporary one',
    },
    json: { type: 'boolean', describe: 'For programs: one JSON object a line on standard output', default: false },
    'network-file': { type: 'string', describe: 'Write the seed and the nodes to this file when the network is ready' },
    'in-process': { type: 'boolean', describe: 'All nodes in one process', default: defaultDevnetOptions.inProcess },
    'epoch-seconds': { type: 'number', describe: 'Length of an epoch', default: defaultDevnetOptions.epochLengthS },
    'log-level': {
      choices: LOG_LEVELS,
      describe: 'What the nodes log',
      default: defaultDevnetOptions.logLevel,
    },
  })
  .example('$0 --once', 'Tell the story and exit')
  .example('$0 --nodes 30 --json', 'What another program would start')
  .check((given) => {
    requireWhole('nodes', given.nodes, NODES_MIN, NODES_MAX)
    requireWhole('epoch-seconds', given['epoch-seconds'], 1, EPOCH_S_MAX)
    return true
  })
  .strict()
  .wrap(null)
  .parseSync()

function requireWhole(flag: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new Error(`--${flag} must be a whole number from ${min} to ${max}`)
}

const folder = args.folder === undefined ? mkdtempSync(join(tmpdir(), 'starling-devnet-')) : resolve(args.folder)
mkdirSync(folder, { recursive: true })
const reporter = createReporter(args)
const stop = interrupted()

try {
  await run(reporter, {
    ...defaultDevnetOptions,
    folder,
    nodes: args.nodes,
    inProcess: args['in-process'],
    epochLengthS: args['epoch-seconds'],
    logLevel: args['log-level'],
  })
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The devnet failed: ${message}\n`)
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`Because of: ${error.cause}\n`)
  reporter.event({ event: 'failed', message })
  process.exitCode = 1
} finally {
  if (args.keep || args.folder !== undefined) reporter.say(`Kept: ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
process.exit()

async function run(reporter: Reporter, options: DevnetOptions): Promise<void> {
  await using devnet = await startDevnet(options, reporter, stop.signal)
  if (args['network-file'] !== undefined) writeNetworkFile(args['network-file'], devnet)
  reporter.event(await readyEvent(devnet))

  const story = await tellStory(devnet, folder, reporter)
  if (!story.delivered) throw new Error('Bob could not read what Alice sent')
  if (!args.once) {
    await showCommands(devnet, story, reporter)
    await stop.promise
  }
  reporter.progress('Stopping nodes and chain')
}

async function showCommands(devnet: Devnet, { alice, bob }: Story, reporter: Reporter): Promise<void> {
  const own = await offerOwnNode(devnet, folder)
  const starling = 'npm start --silent --'
  reporter.say('Send and read a message yourself, in another terminal:')
  reporter.say()
  reporter.say(`  ${starling} send --seed ${devnet.seed} --account ${alice.file} --to ${bob.account.id} "Your text"`)
  reporter.say(`  ${starling} receive --seed ${devnet.seed} --account ${bob.file}`)
  reporter.say()
  reporter.say('Add a node of your own: set it up, stake for it, run it (docs/first-node.md):')
  reporter.say()
  for (const command of own.commands) reporter.say(`  ${starling} ${command}`)
  reporter.say()
  reporter.say(`Its status page: ${own.metricsUrl}/`)
  reporter.say()
  reporter.event({ event: 'own-node', ...own })
  reporter.say(`Metrics and health of node 1: ${devnet.nodes[0]?.metricsUrl}/metrics, /readyz`)
  reporter.say(`Logs: ${devnet.nodes[0]?.logPath} and beside it`)
  reporter.say('Ctrl-C stops everything and removes its files (unless --keep was given)')
}

/** Settles at Ctrl-C or SIGTERM; a second one ends at once, and the child watch ends the nodes. */
function interrupted(): { promise: Promise<void>; signal: AbortSignal } {
  const abort = new AbortController()
  const { promise, resolve: settle } = Promise.withResolvers<void>()
  const onSignal = () => {
    if (abort.signal.aborted) process.exit(130)
    abort.abort(new Error('Interrupted'))
    settle()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return { promise, signal: abort.signal }
}
