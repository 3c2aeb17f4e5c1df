// node test/deploy/five-commands.ts [deb|image]: to a node that serves, staked on a local chain, with five commands and without downloads; by the package
// from a bare Debian, and by the image, which is made of one, from a podman without images. Linux, as root; the first run fetches Debian.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Devnet, startDevnet } from '../../devnet/network.ts'
import { defaultDevnetOptions } from '../../devnet/options.ts'
import { silentReporter } from '../../devnet/reporter.ts'
import { IMAGE_USER } from '../../scripts/package/image-root.ts'
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
const CONFIGURATION = '/etc/starling/starling.yml'

type Way = 'deb' | 'image'
/** The image needs podman, which a bare Debian would have to download. */
const STARTS: Record<Way, string> = { deb: 'a bare Debian', image: 'a podman without images' }
/** What stands before the node's operator: a shell on a machine. */
interface Console {
  must(line: string): Promise<string>
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
    const keyFile = join(folder, 'operator.key')
    writeFileSync(keyFile, `${operator.privateKey}\n`, { mode: 0o600 })
    const given = answersFor(network)
    if (way === 'deb') {
      await using debian = await bootDebian(folder, prepared, keyFile)
      return await follow(way, commandsOfPackage(given), debian)
    }
    await using host = new ContainerHost(folder)
    mkdirSync(join(folder, 'operator'), { mode: 0o700 })
    copyFileSync(keyFile, join(folder, 'operator/operator.key'))
    copyFileSync(join(prepared, 'starling-image.tar'), join(folder, 'starling-image.tar'))
    return await follow(way, commandsOfImage(given), host)
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

function commandsOfPackage(given: string): readonly string[] {
  return [
    'apt-get install --yes ./starling.deb',
    `starling init --non-interactive ${given}`,
    'install --owner=starling --mode=600 operator.key /var/lib/starling',
    `starling stake register --config ${CONFIGURATION} --operator-key-file /var/lib/starling/operator.key --send --yes`,
    'systemctl enable --now starling',
  ]
}

function commandsOfImage(given: string): readonly string[] {
  const volumes = '--volume configuration:/etc/starling --volume data:/var/lib/starling'
  const hardened = '--network host --read-only --cap-drop all --security-opt no-new-privileges'
  const once = `podman run --rm ${hardened} ${volumes}`
  return [
    'podman load --input starling-image.tar',
    `${once} ${IMAGE} init --non-interactive ${given}`,
    `chown --recursive ${IMAGE_USER} operator`,
    `${once} --volume ./operator:/operator:ro ${IMAGE} stake register --config ${CONFIGURATION} --operator-key-file /operator/operator.key --send --yes`,
    `podman run --detach --name starling ${hardened} ${volumes} ${IMAGE}`,
  ]
}

async function bootDebian(folder: string, prepared: string, keyFile: string): Promise<BootedDebian> {
  const root = join(folder, 'root')
  copyBareDebian(root)
  const { version } = JSON.parse(execFileSync('cat', [join(ROOT, 'package.json')], { encoding: 'utf8' })) as {
    version: string
  }
  const cpu = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
  copyFileSync(join(prepared, `starling_${version}-1_${cpu}.deb`), join(root, 'root/starling.deb'))
  copyFileSync(keyFile, join(root, 'root/operator.key'))
  return await BootedDebian.boot(root, join(folder, 'boot.log'))
}

/** Types the commands, and waits until the node serves. */
async function follow(way: Way, commands: readonly string[], machine: Console): Promise<boolean> {
  console.log(`\nBy ${way}:`)
  const startMs = performance.now()
  for (const command of commands) {
    const beganMs = performance.now()
    await machine.must(`cd ~ && ${command}`)
    console.log(`  ${seconds(beganMs).padStart(6)}  $ ${command}`)
  }
  const waitMs = performance.now()
  await untilReady(startMs, machine)
  console.log(`  ${seconds(waitMs).padStart(6)}  until /readyz answers 200`)
  const isWithin = performance.now() - startMs <= TIME_MAX_S * 1000 && commands.length <= COMMANDS_MAX
  console.log(`  ${commands.length} commands, ${seconds(startMs)} from ${STARTS[way]} to a node that serves`)
  return isWithin
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
