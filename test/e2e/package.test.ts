// The packed tarball, installed into an empty folder as an operator or an application installs it.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../devnet/free-port.ts'
import { silentReporter } from '../../devnet/reporter.ts'
import { type StakingChain, startStakingChain } from '../../devnet/stakes.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { eventually } from '../support/eventually.ts'
import { Program, type ProgramEnd } from '../support/program.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const INSTALL_MAX_MS = 170_000

let folder: string
let files: readonly string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-package-'))
  // The repository switches off life-cycle scripts for npm, so `npm pack` alone does not build.
  await run('npm', ['run', 'build'], REPOSITORY)
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], REPOSITORY)
  const [{ filename, files: listed }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }]
  files = listed.map(({ path }) => path)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', overrides: await lockedVersions() }))
  await run('npm', ['install', '--omit=dev', '--prefer-offline', '--ignore-scripts', `./${filename}`], folder)
}, INSTALL_MAX_MS)
afterAll(() => rm(folder, { recursive: true }))

/** Of packages that are locked in one version: what others published since then is not what is tested. */
async function lockedVersions(): Promise<Record<string, string>> {
  const { packages } = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; dev?: boolean }>
  }
  const versions = new Map<string, Set<string>>()
  for (const [path, { version, dev }] of Object.entries(packages)) {
    const name = path.split('node_modules/').at(-1)
    if (name && !dev) versions.set(name, (versions.get(name) ?? new Set()).add(version))
  }
  return Object.fromEntries([...versions].flatMap(([name, all]) => (all.size === 1 ? [[name, [...all].join()]] : [])))
}

async function run(command: string, args: readonly string[], cwd: string): Promise<ProgramEnd> {
  await using program = start(command, args, cwd)
  const end = await program.ended()
  if (end.code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${end.code}:\n${end.stdout}${end.stderr}`)
  return end
}

/**
 * Without what vitest and npm tell their children, which an operator's shell does not have; the authorities that it trusts, it has.
 * What npm keeps for itself goes with us.
 */
function start(command: string, args: readonly string[], cwd = folder): Program {
  const foreign = Object.keys(process.env).filter((name) => /^(npm_|VITEST|NODE_(?!EXTRA_CA_CERTS))/.test(name))
  const without = Object.fromEntries(foreign.map((name) => [name, undefined]))
  return new Program(command, args, { cwd, env: { ...without, TMPDIR: folder } })
}

const installed = (path: string) => join(folder, 'node_modules/starling', path)

test('the package holds what runs, and neither sources nor tests', () => {
  expect(files).toEqual(expect.arrayContaining(['dist/cli/main.js', 'dist/client/index.js', 'dist/client/index.d.ts']))
  expect(files).toContain('dist/browser/starling-client.js')
  expect(files).toEqual(expect.arrayContaining(['config/mainnet.json', 'LICENSE', 'README.md']))
  expect(files.filter((path) => !/^(dist|config)\//.test(path)).sort()).toEqual([
    'LICENSE',
    'README.md',
    'package.json',
  ])
  expect(files.filter((path) => /^dist\/(test|devnet|bench)|\.test\.|(?<!\.d)\.ts$/.test(path))).toEqual([])
  expect(existsSync(installed('dist/cli/main.js'))).toBe(true)
})

test('npx starling tells its version and its commands', async () => {
  const { version } = JSON.parse(await readFile(installed('package.json'), 'utf8'))
  expect((await run('npx', ['starling', '--version'], folder)).stdout).toBe(`${version}\n`)
  const { stdout } = await run('npx', ['starling', '--help'], folder)
  for (const command of ['run', 'keys', 'stake', 'account', 'send', 'receive'])
    expect(stdout).toContain(`starling ${command}`)
})

test('a node starts from it, lives, waits for its stake, and ends with 0', async () => {
  await mkdir(join(folder, 'node'), { mode: 0o700 })
  const keysFolder = join(folder, 'node/keys')
  await run('npx', ['starling', 'keys', 'create', '--keys-folder', keysFolder], folder)
  await using chain: StakingChain = await startStakingChain(1, silentReporter)
  const { port, url } = await metricsPlace()
  const configuration = {
    publicIp: '127.0.0.1',
    dataFolder: join(folder, 'node/data'),
    keysFolder,
    network: { listenAddress: '127.0.0.1', port: 0 },
    rpc: { listenAddress: '127.0.0.1', port: 0 },
    metrics: { port },
    staking: { contract: chain.deployment.rewards, rpcUrls: [chain.anvil.rpcUrl] },
  }
  await writeFile(join(folder, 'starling.yml'), JSON.stringify(configuration))
  await using node = start('node_modules/.bin/starling', ['run', '--network', 'devnet', '--config', 'starling.yml'])
  const live = await eventually('the node lives', () => fetch(`${url}/livez`))
  expect(live.status).toBe(200)
  await eventually('it waits for its stake', async () => {
    const { reasons } = (await (await fetch(`${url}/readyz`)).json()) as { reasons: { part: string }[] }
    return reasons.some(({ part }) => part === 'stake' || part === 'membership') || undefined
  })
  node.kill('SIGTERM')
  expect((await node.ended()).code).toBe(EXIT.ok)
})

test('the thread that computes BLS signatures is found in it', async () => {
  const file = (path: string) => JSON.stringify(pathToFileURL(installed(path)))
  const program = `
    import { generateBlsSecretKey } from ${file('dist/crypto/bls.js')}
    import { createBlsThread } from ${file('dist/staking/signatures/bls-thread.js')}
    const log = { debug() {}, warn() {} }
    const thread = createBlsThread({ log }, { blsTasksMax: 1, blsTaskTimeoutMs: 60_000 })
    const message = Buffer.from('message')
    const signature = await thread.run({ kind: 'sign', message, tag: Buffer.alloc(32), secretKey: generateBlsSecretKey() })
    console.log(signature.length)
  `
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], folder)
  expect(stdout).toBe('128\n')
})

test('an application can import starling/client, and is told its types', async () => {
  const application = `
    import { accountFromSeed, createClient, generateAccountSeed, type Account, type StarlingClient } from 'starling/client'

    const account: Account = accountFromSeed(generateAccountSeed())
    const client: StarlingClient = createClient({ seeds: ['http://127.0.0.1:1'], account })
    // @ts-expect-error recipients are accounts, not numbers
    export const wrong = () => client.sendMessage(5, 'text')
    await client[Symbol.asyncDispose]()
    console.log(account.id)
  `
  await writeFile(join(folder, 'application.ts'), application)
  const { stdout } = await run(process.execPath, ['application.ts'], folder)
  expect(stdout).toMatch(/^05[0-9a-f]{64}\n$/)
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2024',
    '--lib',
    'es2024,esnext.disposable,dom',
    '--module',
    'nodenext',
  ]
  await run(join(REPOSITORY, 'node_modules/.bin/tsc'), [...options, '--types', '', 'application.ts'], folder)
})

test('an application for browsers gets one module that works alone, and the same accounts', async () => {
  const seed = '5a'.repeat(32)
  const application = `
    import { accountFromSeed } from 'starling/client'
    console.log(import.meta.resolve('starling/client').split('/').slice(-3).join('/'), accountFromSeed('${seed}').id)
  `
  const shown = async (conditions: readonly string[]) => {
    const program = [...conditions, '--input-type=module', '--eval', application]
    return (await run(process.execPath, program, folder)).stdout.trim().split(' ')
  }
  const [forBrowsers, id] = await shown(['--conditions=browser'])
  expect(forBrowsers).toBe('dist/browser/starling-client.js')
  expect(await shown([])).toEqual(['dist/client/index.js', id])
})

test('nothing but the client can be imported', async () => {
  const inner = `import('starling/dist/node/service-node.js').catch(({ code }) => console.log(code))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', inner], folder)
  expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n')
})

async function metricsPlace(): Promise<{ port: number; url: string }> {
  const port = await freePort('127.0.0.1')
  return { port, url: `http://127.0.0.1:${port}` }
}
