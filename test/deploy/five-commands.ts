// node test/deploy/five-commands.ts [deb|image]: to a node that serves, staked on a local chain, with five commands and without downloads; by the package
// from a bare Debian, and by the image, which is made of one, from a podman without images. Linux, as root; the first run fetches Debian.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createWalletClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type Devnet, startDevnet } from '../../devnet/network.ts'
import { defaultDevnetOptions } from '../../devnet/options.ts'
import { silentReporter } from '../../devnet/reporter.ts'
import { SKIPPED } from '../faults/skipped.ts'
import { copyBareDebian, fetchBareDebian, missing } from './bare-debian.ts'
import { BootedDebian } from './booted-debian.ts'
import { buildImage, IMAGE, imageObstacle } from './built-image.ts'
import { ContainerHost } from './container-host.ts'
import { obstacleToOwnNetwork, runAlone } from './own-network.ts'

const ROOT = join(import.meta.dirname, '../..')
const COMMANDS_MAX = 5
const TIME_MAX_S = 120
const POLL_MS = 250
/** Where the node will be: another /24 than the others. */
const OWN_IP = '127.0.99.1'

type Way = 'deb' | 'image'
/** The image needs podman, which a bare Debian would have to download. */
const STARTS: Record<Way, string> = { deb: 'a bare Debian', image: 'a podman without images' }
/** What stands before the node's operator: a shell on a machine. */
interface Console {
  must(line: string): Promise<string>
}

/** How an operator gets to a node that serves. */
interface Path {
  /** Until `init`, which says how to go on. */
  readonly commands: readonly string[]
  /** What is typed for what `init` printed. */
  readonly typed: (printed: string) => string
  /** A file with a passphrase for the backup of the keys, as the command sees it. */
  readonly passphraseFile: string
}

/** The operator's account, which is nowhere on the node's machine. */
interface Wallet {
  readonly address: Hex
  /** Signs and sends what a command printed. */
  send(printed: string): Promise<void>
}

const wanted = process.argv.slice(2).filter((word): word is Way => word === 'deb' || word === 'image')
const ways: readonly Way[] = wanted.length > 0 ? wanted : ['deb', 'image']
const OBSTACLES: Record<Way, string | undefined> = {
  deb: missing({ debootstrap: 'debootstrap', 'systemd-nspawn': 'systemd-container', 'dpkg-deb': 'dpkg' }),
  image: imageObstacle(),
}
const obstacle = obstacleToOwnNetwork() ?? ways.map((way) => OBSTACLES[way]).find((one) => one !== undefined)
if (obstacle !== undefined) {
  console.error(`SKIPPED: ${obstacle}`)
  process.exit(SKIPPED)
}
process.exitCode = await main()

async function main(): Promise<number> {
  const prepared = join(tmpdir(), 'starling-five-commands')
  if (!process.argv.includes('--alone')) prepare(prepared)
  const code = await runAlone()
  if (code !== undefined) return code
  let failures = 0
  for (const way of ways) if (!(await takeWay(way, prepared))) failures++
  return failures === 0 ? 0 : 1
}

/** All that takes a network, and is not the operator's time. */
function prepare(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (ways.includes('deb')) {
    fetchBareDebian()
    execFileSync(process.execPath, ['scripts/package.ts', '--to', folder], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  }
  if (ways.includes('image')) buildImage(join(folder, 'starling-image.tar'))
}

async function takeWay(way: Way, prepared: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-five-'))
  try {
    const options = { ...defaultDevnetOptions, folder: join(folder, 'network'), nodes: 4, spareOperators: 1 }
    await using network = await startDevnet(options, silentReporter)
    const operator = await network.createOperator(99)
    const wallet = walletOf(operator.privateKey, network)
    const given = answersFor(network)
    if (way === 'deb') {
      await using debian = await bootDebian(folder, prepared)
      return await follow(way, pathOfPackage(given), wallet, debian)
    }
    await using host = new ContainerHost(folder)
    copyFileSync(join(prepared, 'starling-image.tar'), join(folder, 'starling-image.tar'))
    return await follow(way, pathOfImage(given), wallet, host)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function answersFor({ chain, nodes }: Devnet): string {
  const bootstrap = nodes.slice(0, 2).map(({ multiaddr }) => multiaddr)
  const { rpcUrl } = chain.anvil
  return [
    `--network devnet --publicIp ${OWN_IP} --network.listenAddress ${OWN_IP} --rpc.listenAddress ${OWN_IP}`,
    `--staking.rpcUrls ${rpcUrl} --staking.contract ${chain.deployment.rewards} --staking.epochLengthS 4`,
    `--network.bootstrap ${bootstrap.join(' ')}`,
  ].join(' ')
}

function walletOf(privateKey: Hex, { chain }: Devnet): Wallet {
  const account = privateKeyToAccount(privateKey)
  const client = createWalletClient({ account, transport: http(chain.anvil.rpcUrl) })
  return {
    address: account.address,
    async send(printed) {
      const { transactions } = JSON.parse(printed) as { transactions: { to: Hex; data: Hex; gas: Hex; nonce: Hex }[] }
      for (const { to, data, gas, nonce } of transactions) {
        await client.sendTransaction({ chain: null, to, data, gas: BigInt(gas), nonce: Number(nonce) })
      }
    },
  }
}

function pathOfPackage(given: string): Path {
  return {
    commands: ['apt-get install --yes ./starling.deb', `starling init --non-interactive ${given}`],
    typed: (printed) => printed,
    passphraseFile: '/var/lib/starling/passphrase',
  }
}

function pathOfImage(given: string): Path {
  const volumes = ['configuration:/etc/starling', 'data:/var/lib/starling', 'backups:/var/backups/starling']
  const hardened = '--network host --read-only --cap-drop all --security-opt no-new-privileges'
  const mounted = `${hardened} ${volumes.map((volume) => `--volume ${volume}`).join(' ')}`
  const once = `podman run --rm ${mounted} ${IMAGE}`
  return {
    commands: ['podman load --input starling-image.tar', `${once} init --non-interactive ${given}`],
    typed: (printed) =>
      printed.startsWith('starling run ')
        ? `podman run --detach --name starling ${mounted} ${IMAGE}`
        : printed.replace(/^starling/, once),
    passphraseFile: '/var/lib/starling/passphrase',
  }
}

async function bootDebian(folder: string, prepared: string): Promise<BootedDebian> {
  const root = join(folder, 'root')
  copyBareDebian(root)
  const { version } = JSON.parse(execFileSync('cat', [join(ROOT, 'package.json')], { encoding: 'utf8' })) as {
    version: string
  }
  const cpu = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  copyFileSync(join(prepared, `starling_${version}-1_${cpu}.deb`), join(root, 'root/starling.deb'))
  return await BootedDebian.boot(root, join(folder, 'boot.log'))
}

/** Types the commands, those that `init` prints too, and waits until the node serves. */
async function follow(way: Way, path: Path, wallet: Wallet, machine: Console): Promise<boolean> {
  console.log(`\nBy ${way}:`)
  const startMs = performance.now()
  let said = ''
  for (const command of path.commands) said = await type(command, machine)
  const [start = '', register = '', status = '', backup = ''] = printedBy(said)
  await type(path.typed(start), machine)
  const transactions = await type(`${path.typed(register).replace('0x…', wallet.address)} --json`, machine)
  await wallet.send(transactions)
  const waitMs = performance.now()
  await untilReady(startMs, machine)
  console.log(`  ${seconds(waitMs).padStart(6)}  until /readyz answers 200`)
  const commands = path.commands.length + 2
  const isWithin = performance.now() - startMs <= TIME_MAX_S * 1000 && commands <= COMMANDS_MAX
  console.log(`  ${commands} commands, ${seconds(startMs)} from ${STARTS[way]} to a node that serves`)
  console.log('  What init printed besides:')
  await type(path.typed(status), machine)
  await makePassphrase(way, path.passphraseFile, machine)
  await type(`${path.typed(backup)} --passphrase-file ${path.passphraseFile}`, machine)
  return isWithin
}

async function makePassphrase(way: Way, file: string, machine: Console): Promise<void> {
  const text = 'a passphrase of some length'
  if (way === 'deb') {
    await machine.must(`umask 077 && echo ${text} > ${file} && chown starling ${file}`)
    return
  }
  const write = `require('fs').writeFileSync('${file}', '${text}', { mode: 0o600 })`
  await machine.must(`podman exec starling /usr/lib/starling/bin/node -e "${write}"`)
}

/** The commands below "Next:", without what is said about them. */
function printedBy(said: string): readonly string[] {
  const [, next = ''] = said.split('\nNext:\n')
  return next
    .split('\n')
    .map((line) => line.replace(/ {2}#.*$/, '').trim())
    .filter((line) => line !== '')
}

async function type(command: string, machine: Console): Promise<string> {
  const beganMs = performance.now()
  const said = await machine.must(`cd ~ && ${command}`)
  console.log(`  ${seconds(beganMs).padStart(6)}  $ ${command}`)
  return said
}

async function untilReady(startMs: number, machine: Console): Promise<void> {
  for (;;) {
    const answer = await fetch('http://127.0.0.1:9100/readyz').catch(() => undefined)
    const reasons = await answer?.text()
    if (answer?.status === 200) return
    if (performance.now() - startMs > 2 * TIME_MAX_S * 1000) {
      const log = await machine.must(
        'journalctl --unit starling --no-pager --lines 20 || podman logs --tail 20 starling',
      )
      throw new Error(`The node does not serve: ${reasons}\n${log}`)
    }
    await delay(POLL_MS)
  }
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}
