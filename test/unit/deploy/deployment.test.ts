// What is shipped beside the program says the same as the program. That it works is shown by test/deploy, where Debian and containers can be had.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { IMAGE_USER } from '../../../scripts/package/image-root.ts'
import { SYSTEM_CONFIGURATION } from '../../../src/cli/config/configuration-file.ts'
import { environmentName } from '../../../src/cli/environment.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { serviceNodeFlags } from '../../../src/cli/options/service-node.ts'

const DEPLOY = join(import.meta.dirname, '../../../deploy')
const UNIT = join(DEPLOY, 'systemd/starling.service')
const EXPOSURE_MAX = 1.5
const PEERS = serviceNodeFlags['network.port'].default
const CLIENTS = serviceNodeFlags['rpc.port'].default
const METRICS = serviceNodeFlags['metrics.port'].default
const DATA_FOLDER = '/var/lib/starling'
const BACKUP_FOLDER = '/var/backups/starling'

const read = (path: string) => readFileSync(join(DEPLOY, path), 'utf8')
const unit = (key: string) =>
  [...read('systemd/starling.service').matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value)

test('the unit starts what the package has, with the configuration that init writes', () => {
  expect(unit('ExecStart')).toEqual([
    `/usr/lib/starling/bin/node /usr/lib/starling/dist/cli/main.js run --config ${SYSTEM_CONFIGURATION}`,
  ])
  expect(unit('StateDirectory')).toEqual([DATA_FOLDER.replace('/var/lib/', '')])
  expect(read('deb/starling.tmpfiles')).toContain(`d ${DATA_FOLDER} 0700 starling starling`)
  expect(read('deb/starling.tmpfiles')).toContain(`d ${BACKUP_FOLDER} 0700 starling starling`)
  expect(unit('ReadWritePaths')).toEqual([`-${BACKUP_FOLDER}`])
  expect(read('deb/starling.sysusers')).toMatch(/^u starling - "[^"]+" \/var\/lib\/starling$/m)
})

test('the unit gives up on what only the operator can mend, and starts again after everything else', () => {
  expect(unit('Restart')).toEqual(['on-failure'])
  expect(unit('RestartPreventExitStatus')).toEqual([`${EXIT.usage} ${EXIT.keys}`])
  expect(unit('StartLimitIntervalSec')).toEqual(['0'])
  expect(unit('RestartSec')).toEqual(['10'])
})

test('who stops a node waits longer than its end may take', () => {
  const source = readFileSync(join(import.meta.dirname, '../../../src/cli/run-service-node.ts'), 'utf8')
  const stopS = Number(/^const STOP_MAX_MS = (\d+) \* SECOND$/m.exec(source)?.[1])
  expect(Number(unit('TimeoutStopSec')[0])).toBeGreaterThan(stopS)
  expect(Number.parseInt(compose().services['starling']?.stop_grace_period ?? '', 10)).toBeGreaterThan(stopS)
})

test('a node may open as many files as its connections need', () => {
  const connections = ['rpc.connectionsMax', 'network.connectionsMax'] as const
  const needed = connections.reduce((sum, name) => sum + Number(serviceNodeFlags[name].default), 0)
  const databaseFiles = 3 * 1000
  expect(Number(unit('LimitNOFILE')[0])).toBeGreaterThan(needed + databaseFiles)
  expect(compose().services['starling']?.ulimits?.['nofile']).toBe(Number(unit('LimitNOFILE')[0]))
})

test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('the unit is hardly exposed', () => {
  const args = ['security', '--offline=true', '--no-pager', UNIT]
  const table = execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  expect(Number(/Overall exposure level for starling.service: ([\d.]+)/.exec(table)?.[1])).toBeLessThanOrEqual(
    EXPOSURE_MAX,
  )
})

test('no script of the package deletes keys or messages', () => {
  for (const script of ['deb/postinst', 'deb/prerm', 'deb/postrm']) {
    const deleting = read(script)
      .split('\n')
      .filter((line) => /^\s*(rm|find|unlink)\b/.test(line))
    expect(deleting.filter((line) => line.includes(DATA_FOLDER) || line.includes(BACKUP_FOLDER))).toEqual([])
    expect(spawnSync('sh', ['-n', join(DEPLOY, script)]).status).toBe(0)
  }
})

test('the image opens the ports of the protocol, and belongs to the user that runs in it', () => {
  const file = read('docker/Dockerfile')
  expect(file).toContain(`EXPOSE ${PEERS}/tcp ${CLIENTS}/tcp`)
  expect(file).toContain(`USER ${IMAGE_USER}:${IMAGE_USER}`)
  expect(file).toContain(`CMD ["run", "--config", "${SYSTEM_CONFIGURATION}"]`)
  expect(file).toContain(`VOLUME ["/etc/starling", "${DATA_FOLDER}", "${BACKUP_FOLDER}"]`)
  for (const words of [/^HEALTHCHECK.*\\\n {2}CMD (\[.*\])$/m, /^ENTRYPOINT (\[.*\])$/m]) {
    expect(Array.isArray(JSON.parse(words.exec(file)?.[1] ?? 'null'))).toBe(true)
  }
})

test('of the compose file, only the ports of the protocol can be reached from elsewhere', () => {
  const ports = Object.values(compose().services).flatMap(({ ports = [] }) => ports)
  const open = ports.filter((port) => !port.startsWith('127.0.0.1:'))
  expect(open).toEqual([`${PEERS}:${PEERS}/tcp`, `${CLIENTS}:${CLIENTS}/tcp`])
  expect(ports).toContain(`127.0.0.1:${METRICS}:${METRICS}/tcp`)
})

test('every container of the compose file is hardened, bounded and of a named version', () => {
  for (const [name, service] of Object.entries(compose().services)) {
    expect(service, name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(service.mem_limit, name).toMatch(/^\d+[mg]$/)
    expect(service.pids_limit, name).toBeGreaterThan(0)
    expect(service.user, name).toMatch(/^[1-9]\d*:\d+$/)
    if (service.build === undefined) expect(service.image, name).toMatch(/:-docker\.io\/.*:v?\d+\.\d+\.\d+\}$/)
  }
})

test('the compose file has no passwords, and mounts what is there', () => {
  const { services } = compose()
  const variables = Object.values(services).flatMap(({ environment = {} }) => Object.entries(environment))
  expect(variables.filter(([name]) => /passw|secret_key|token/i.test(name))).toEqual([])
  expect(Object.fromEntries(variables)).toMatchObject({
    [environmentName('metrics.address')]: '0.0.0.0',
    GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
  })
  const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes)
  const folders = mounts.flatMap((mount) => (mount.startsWith('.') ? [mount.slice(0, mount.indexOf(':'))] : []))
  expect(folders.filter((folder) => !existsSync(join(DEPLOY, 'docker', folder)))).toEqual([])
  expect(folders).toContain('../../config')
  const scraped = parse(read('prometheus/prometheus.yml')) as {
    scrape_configs: { static_configs: { targets: string[] }[] }[]
  }
  expect(scraped.scrape_configs[0]?.static_configs[0]?.targets).toEqual([`starling:${METRICS}`])
})

test("the image's check succeeds while the node lives, and only then", async () => {
  let status = 200
  const server = createServer((request, response) => response.writeHead(request.url === '/livez' ? status : 404).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = String((server.address() as AddressInfo).port)
  expect(await check(port)).toBe(0)
  status = 503
  expect(await check(port)).toBe(1)
  server.close()
  await once(server, 'close')
  expect(await check(port)).toBe(1)
})

test('a signal ends a program that does not listen yet, and is left to one that does', async () => {
  expect(await ended('setInterval(() => {}, 1000); console.log(1)')).toBe(143)
  expect(await ended(`process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log(1)`)).toBe(
    7,
  )
})

async function check(port: string): Promise<number> {
  const env = { ...process.env, [environmentName('metrics.port')]: port }
  const [code] = await once(spawn(process.execPath, [join(DEPLOY, 'docker/health-check.mjs')], { env }), 'exit')
  return code as number
}

async function ended(program: string): Promise<number> {
  const early = join(DEPLOY, 'docker/early-signals.mjs')
  const child = spawn(process.execPath, ['--import', early, '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code as number
}

interface ComposeService {
  readonly image: string
  readonly build?: object
  readonly user?: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ulimits?: Readonly<Record<string, number>>
  readonly mem_limit?: string
  readonly pids_limit?: number
  readonly stop_grace_period?: string
}

function compose(): { readonly services: Readonly<Record<string, ComposeService>> } {
  return parse(read('docker/compose.yml'), { merge: true })
}
