// node test/deploy/image.ts: builds the image and runs it hardened, as deploy/docker/compose.yml does: who it is, what it may, how it ends. Linux, as
// root, with buildah, podman and runc; the first run fetches Debian.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { SKIPPED } from '../faults/skipped.ts'
import { eventually } from '../support/eventually.ts'
import { buildImage, IMAGE, IMAGE_EPOCH_S, imageObstacle } from './built-image.ts'
import { Checks } from './checks.ts'
import { ContainerHost } from './container-host.ts'
import { obstacleToOwnNetwork, runAlone } from './own-network.ts'

const ROOT = join(import.meta.dirname, '../..')
const ARCHIVE = join(tmpdir(), 'starling-image-test.tar')
const VOLUMES =
  '--volume configuration:/etc/starling --volume data:/var/lib/starling --volume backups:/var/backups/starling'
const HARDENED = '--network host --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges'
const LIMITS = '--memory 1g --pids-limit 256'
/** Nobody is there: what is tested is the container. */
const ANSWERS = `--network devnet --publicIp 127.0.0.1 --staking.rpcUrls http://127.0.0.1:1 --staking.contract 0x${'11'.repeat(20)}`
/** Early: before the program listens for signals. */
const EARLY_MS = [0, 50, 150, 400]
const STOP_MAX_MS = 10_000

const checks = new Checks()
const obstacle = imageObstacle() ?? obstacleToOwnNetwork()
if (obstacle !== undefined) {
  console.error(`SKIPPED: ${obstacle}`)
  process.exit(SKIPPED)
}
if (!process.argv.includes('--alone')) buildImage(ARCHIVE)
process.exitCode = (await runAlone()) ?? (await testImage())

async function testImage(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-image-test-'))
  try {
    await using host = new ContainerHost(folder)
    await host.must(`podman load --quiet --input ${ARCHIVE}`)
    await lookAt(host, folder)
    await start(host)
    await end(host)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(checks.failures === 0 ? 'All of it holds.' : `${checks.failures} of it do not hold.`)
  return checks.failures === 0 ? 0 : 1
}

async function lookAt(host: ContainerHost, folder: string): Promise<void> {
  const inspected = JSON.parse(await host.must(`podman inspect ${IMAGE}`)) as {
    User: string
    Size: number
    Healthcheck?: object
  }[]
  const [image] = inspected
  console.log(`       ${Math.round((image?.Size ?? 0) / 2 ** 20)} MiB`)
  checks.equal('it runs as a number that is not root', image?.User, '65532:65532')
  checks.holds('it tells how its health is asked for', image?.Healthcheck !== undefined)
  const root = (await host.must(`podman image mount ${IMAGE}`)).trim()
  const shells = globSync(['**/{sh,bash,dash,busybox,apt,dpkg}'], { cwd: root })
  checks.equal('it has no shell and no package manager', shells.join(), '')
  const setIds = globSync('**/*', { cwd: root }).filter((path) => (lstatSync(join(root, path)).mode & 0o6000) !== 0)
  checks.equal('no file in it gives its starter another user', setIds.join(), '')
  const here = join(folder, 'program')
  execFileSync(process.execPath, ['scripts/package.ts', 'image', '--to', here], {
    ...{ cwd: ROOT, stdio: ['ignore', 2, 2], env: { ...process.env, SOURCE_DATE_EPOCH: String(IMAGE_EPOCH_S) } },
  })
  const program = 'usr/lib/starling'
  checks.equal(
    'the program in it is what is built here, byte for byte',
    digest(join(root, program)),
    digest(join(here, program)),
  )
  await host.must(`podman image unmount ${IMAGE}`)
}

async function start(host: ContainerHost): Promise<void> {
  await host.must(`podman run --rm ${HARDENED} ${VOLUMES} ${IMAGE} init --non-interactive ${ANSWERS}`)
  await host.must(`podman run --detach --name starling ${HARDENED} ${LIMITS} ${VOLUMES} ${IMAGE}`)
  await eventually('it lives', async () => (await fetch('http://127.0.0.1:9100/livez')).status === 200 || undefined)
  checks.holds('with nothing but its three volumes to write to, it lives', true)
  checks.holds('its own check says so', await succeeds(host, 'podman healthcheck run starling'))
  const pid = (await host.must('podman inspect --format {{.State.Pid}} starling')).trim()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  checks.holds('the process is nobody else', /^Uid:\s+65532\s+65532/m.test(status), status)
  checks.holds('it has no capability', /^CapEff:\s+0+$/m.test(status) && /^CapBnd:\s+0+$/m.test(status), status)
  checks.holds('it can get none', /^NoNewPrivs:\s+1$/m.test(status) && /^Seccomp:\s+2$/m.test(status), status)
  const write = `require('fs').writeFileSync('/usr/lib/starling/config/devnet.json', '')`
  const node = '/usr/lib/starling/bin/node'
  checks.holds('its root cannot be written', !(await succeeds(host, `podman exec starling ${node} -e "${write}"`)))
  const backup = `require('fs').mkdirSync('/var/backups/starling/first')`
  checks.holds('backups can', await succeeds(host, `podman exec starling ${node} -e "${backup}"`))
  const environment = '--env STARLING_METRICS__ADDRESS=0.0.0.0'
  const doctor = `${node} /usr/lib/starling/dist/cli/main.js doctor --json --config /etc/starling/starling.yml`
  const told = await host.must(`podman exec ${environment} starling ${doctor} || true`)
  const { checks: found = [] } = JSON.parse(told) as { checks?: { id: string; status: string }[] }
  const metrics = found.find(({ id }) => id === 'metrics-address')
  checks.equal('its doctor does not complain of the address of a container', metrics?.status, 'skip')
  await host.must(
    `podman exec starling ${node} /usr/lib/starling/dist/cli/main.js status --config /etc/starling/starling.yml || true`,
  )
}

async function end(host: ContainerHost): Promise<void> {
  const startMs = performance.now()
  await host.must('podman stop --time 30 starling')
  checks.holds('it ends when it is told to', performance.now() - startMs < STOP_MAX_MS)
  checks.equal('with 0', await exitCode(host, 'starling'), EXIT.ok)
  checks.holds('then its check fails', !(await succeeds(host, 'podman healthcheck run starling')))
  for (const ms of EARLY_MS) {
    await host.must('podman start starling')
    await new Promise((resolve) => setTimeout(resolve, ms))
    const stopMs = performance.now()
    await host.must('podman stop --time 30 starling')
    const code = await exitCode(host, 'starling')
    const isPrompt = performance.now() - stopMs < STOP_MAX_MS && [EXIT.ok, 143].includes(code)
    checks.holds(`told to end ${ms} ms after its start, it ends, too`, isPrompt, code)
  }
}

async function exitCode(host: ContainerHost, name: string): Promise<number> {
  return Number(await host.must(`podman inspect --format {{.State.ExitCode}} ${name}`))
}

function succeeds(host: ContainerHost, line: string): Promise<boolean> {
  return host.must(line).then(
    () => true,
    () => false,
  )
}

function digest(folder: string): string {
  const hash = createHash('sha256')
  for (const path of globSync('**/*', { cwd: folder }).sort()) {
    const file = join(folder, path)
    const stats = lstatSync(file)
    hash.update(`${relative(folder, file)} ${stats.mode} ${stats.isFile() ? stats.size : 0} `)
    if (stats.isFile()) hash.update(readFileSync(file))
  }
  return hash.digest('hex')
}
