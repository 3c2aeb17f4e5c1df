// Runs the cases of the client protocol against any node and prints a table (docs/conformance.md).
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { SECOND } from '../src/base/clock.ts'
import { EXIT } from '../src/cli/exit-codes.ts'
import { CASES, SUBJECTS } from './case-list.ts'
import type { HttpsPlace } from './https-exchange.ts'
import { jsonReport, printedReport } from './report.ts'
import { defaultSuiteOptions, runSuite, type TestedNetwork } from './suite.ts'
import type { TransportName } from './transport.ts'

const PROGRESS_EVERY = 100
const DEFAULT_PORT = 22021

const args = yargs(hideBin(process.argv))
  .scriptName('npm run conformance --')
  .usage('$0 --url https://IP:PORT\n\nWhether a node does what the client protocol says, case by case')
  .options({
    url: { type: 'string', describe: 'The node to ask; any certificate will do' },
    https: { type: 'boolean', describe: 'Over HTTPS only' },
    onion: { type: 'boolean', describe: 'Through three onion hops only' },
    only: { type: 'array', string: true, choices: SUBJECTS, describe: 'These methods or parts of the surface only' },
    list: { type: 'boolean', describe: 'Print the cases and exit', default: false },
    json: { type: 'boolean', describe: 'For programs: one JSON object on standard output', default: false },
    concurrency: { type: 'number', describe: 'Cases at the same time', default: defaultSuiteOptions.concurrency },
    'case-timeout': {
      type: 'number',
      describe: 'Seconds that one case may take',
      default: defaultSuiteOptions.caseTimeoutMs / SECOND,
    },
  })
  .example('$0 --url https://127.0.1.1:22021', 'Everything, over HTTPS and through onions')
  .example('$0 --url https://127.0.1.1:22021 --only store --https', 'One method, over HTTPS')
  .check((given) => {
    if (!given.list) placeOf(given.url)
    requireWhole('concurrency', given.concurrency, 1, 64)
    requireWhole('case-timeout', given['case-timeout'], 1, 600)
    return true
  })
  .fail((message, error, parser) => {
    process.stderr.write(`${message ?? error.message}\n\n`)
    parser.showHelp('error')
    process.exit(EXIT.usage)
  })
  .epilogue('Exit codes: 0 all cases pass, 1 some fail, 2 a flag is wrong, 69 the node cannot be asked')
  .strict()
  .wrap(null)
  .parseSync()

function requireWhole(flag: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new Error(`--${flag} must be a whole number from ${min} to ${max}`)
}

function placeOf(url: string | undefined): HttpsPlace {
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:') throw new Error('--url must be the address of a node, as https://IP:PORT')
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  return { host, port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port) }
}

// Whoever reads may have seen enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const { only } = args
const cases = only === undefined ? CASES : CASES.filter(({ subject }) => only.includes(subject))

process.exitCode = args.list ? list() : await run(args.url ?? '')

function list(): number {
  print(cases.map(({ subject, aspect, name, basis }) => `${subject}\t${aspect}\t${basis}\t${name}`).join('\n'))
  return EXIT.ok
}

async function run(url: string): Promise<number> {
  const transports: readonly TransportName[] =
    args.https === args.onion ? defaultSuiteOptions.transports : [args.onion ? 'onion' : 'https']
  const options = { transports, concurrency: args.concurrency, caseTimeoutMs: args['case-timeout'] * SECOND }
  try {
    const { network, outcomes } = await runSuite(placeOf(url), cases, options, {
      onNetwork: tellNetwork,
      onOutcome: tellOutcome(),
    })
    print(args.json ? JSON.stringify(jsonReport(network, outcomes)) : printedReport(outcomes))
    return outcomes.some(({ verdict }) => verdict === 'fail') ? EXIT.failure : EXIT.ok
  } catch (error) {
    process.stderr.write(`The node at ${url} cannot be asked: ${error instanceof Error ? error.message : error}\n`)
    return EXIT.unavailable
  }
}

// Progress goes to standard error, so that the report can be piped.

function tellNetwork({ key, nodes, swarms, members, membersAnswering }: TestedNetwork): void {
  process.stderr.write(`Node ${key} in a network of ${nodes} nodes; its swarms: ${swarms}\n`)
  process.stderr.write(`${membersAnswering} of the ${members} members of its swarm answer; ${cases.length} cases\n`)
}

function tellOutcome(): () => void {
  let done = 0
  return () => {
    if (++done % PROGRESS_EVERY === 0) process.stderr.write(`${done} done\n`)
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
