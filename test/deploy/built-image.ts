// The image, built as an operator would, on a Debian of debootstrap where Docker Hub cannot be reached.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fetchBareDebian, missing } from './bare-debian.ts'

const ROOT = join(import.meta.dirname, '../..')
/** As the commit's, so that two builds can be compared. */
export const IMAGE_EPOCH_S = 1_790_000_000
export const IMAGE = 'localhost/starling:test'
const BASE = 'localhost/starling-test-base:1'

export function imageObstacle(): string | undefined {
  return missing({ debootstrap: 'debootstrap', buildah: 'buildah', podman: 'podman', runc: 'runc', ip: 'iproute2' })
}

/** Builds it, and writes it to a file that `podman load` takes. */
export function buildImage(archive: string): void {
  makeBase()
  const docker = join(ROOT, 'deploy/docker')
  const authorities = process.env['NODE_EXTRA_CA_CERTS']
  const kept = join(homedir(), '.npm')
  mkdirSync(kept, { recursive: true })
  run('buildah', [
    ...['build', '--isolation', 'chroot', '--network', 'host', '--format', 'docker', '--layers'],
    ...['--build-arg', `BASE_IMAGE=${BASE}`, '--build-arg', `SOURCE_DATE_EPOCH=${IMAGE_EPOCH_S}`],
    ...['--timestamp', String(IMAGE_EPOCH_S), '--volume', `${kept}:/root/.npm:rw`],
    ...(authorities === undefined ? [] : ['--secret', `id=authorities,src=${authorities}`]),
    ...['--ignorefile', join(docker, 'Dockerfile.dockerignore'), '--file', join(docker, 'Dockerfile')],
    ...['--tag', IMAGE, ROOT],
  ])
  rmSync(archive, { force: true })
  run('buildah', ['push', '--quiet', IMAGE, `docker-archive:${archive}:${IMAGE}`])
}

/** Debian with this machine's npm and the Node.js of package-lock.json, which is what the image of Docker Hub has. */
function makeBase(): void {
  if (spawnSync('buildah', ['inspect', BASE], { stdio: 'ignore' }).status === 0) return
  const container = said('buildah', ['from', 'scratch'])
  try {
    const root = said('buildah', ['mount', container])
    run('cp', ['-a', `${fetchBareDebian()}/.`, root])
    cpSync(process.execPath, join(root, 'usr/local/bin/node'))
    const npm = dirnameOfNpm()
    cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
    run('buildah', ['commit', '--quiet', container, BASE])
  } finally {
    run('buildah', ['rm', container])
  }
}

function dirnameOfNpm(): string {
  const folder = join(said('npm', ['root', '--global']), 'npm')
  if (!existsSync(join(folder, 'bin/npm-cli.js'))) throw new Error(`There is no npm in ${dirname(folder)}`)
  return folder
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 2, 2] })
}

function said(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] }).trim()
}
