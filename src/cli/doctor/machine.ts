import { execFile } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { lstat, open, readdir, readFile, unlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type DurationMs, SECOND, systemClock, type TimestampMs } from '../../base/clock.ts'
import { isListening } from '../listening.ts'
import { freeBytes } from '../stake/free-bytes.ts'

/** What checks ask of the machine. */
export interface Machine {
  /** Of Node.js as this program runs in it. */
  readonly nodeVersion: string
  /** Undefined where there is no such file, or it cannot be read. */
  readText(path: string): Promise<string | undefined>
  /** Names of what is in a folder; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>
  mode(path: string): Promise<number | undefined>
  isListening(host: string, port: number, signal: AbortSignal): Promise<boolean>
  /** Until when the certificate is valid that is shown at a port; undefined when none is. */
  certificateEndMs(host: string, port: number, signal: AbortSignal): Promise<TimestampMs | undefined>
  /** Time to write a page and have it on the disk, in the median of a few; undefined when nothing can be written there. */
  flushMs(folder: string): Promise<DurationMs | undefined>
  resolves(name: string): Promise<boolean>
  /** What systemd says of the node's unit; undefined where there is no systemd, or it does not answer. */
  unitProperty(name: string): Promise<string | undefined>
  /** Whether this is a container, whose addresses are not the machine's. */
  isContainer(): Promise<boolean>
  /** Of the disk that holds the folder, or will hold it. */
  freeBytes(folder: string): Promise<number | undefined>
  addresses(): readonly { readonly address: string; readonly isLoopback: boolean }[]
}

const PAGE_BYTES = 4096
const FLUSHES = 9
const SYSTEMCTL_MAX_MS: DurationMs = 2 * SECOND
/** By these files, podman and Docker tell what they made. */
const CONTAINER_MARKS = ['/run/.containerenv', '/.dockerenv']

export function createMachine(): Machine {
  return {
    nodeVersion: process.versions.node,
    readText: (path) => readFile(path, 'utf8').catch(() => undefined),
    list: (folder) => readdir(folder).catch(() => []),
    mode: (path) =>
      lstat(path).then(
        ({ mode }) => mode & 0o777,
        () => undefined,
      ),
    isListening: (host, port, signal) => isListening({ host, port }, signal),
    certificateEndMs,
    flushMs,
    freeBytes,
    resolves: (name) =>
      lookup(name).then(
        () => true,
        () => false,
      ),
    unitProperty,
    isContainer,
    addresses: () =>
      Object.values(networkInterfaces()).flatMap((all = []) =>
        all.map(({ address, internal }) => ({ address, isLoopback: internal })),
      ),
  }
}

function unitProperty(name: string): Promise<string | undefined> {
  const args = ['show', '--property', name, '--value', 'starling.service']
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: SYSTEMCTL_MAX_MS }, (error, stdout) => {
      resolve(error === null ? stdout.trim() : undefined)
    })
  })
}

/** Kubernetes leaves no mark: by `container=oci`, the image tells itself (deploy/docker/Dockerfile). */
async function isContainer(): Promise<boolean> {
  if (process.env['container'] === 'oci') return true
  const marks = await Promise.all(CONTAINER_MARKS.map((path) => lstat(path).catch(() => undefined)))
  return marks.some((mark) => mark !== undefined)
}

async function certificateEndMs(host: string, port: number, signal: AbortSignal): Promise<TimestampMs | undefined> {
  // Whose it is does not matter here: clients know the node by its key.
  const socket = connectTls({ host, port, rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', { signal })
    const endMs = Date.parse(socket.getPeerCertificate().valid_to)
    return Number.isNaN(endMs) ? undefined : endMs
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

async function flushMs(folder: string): Promise<DurationMs | undefined> {
  const path = join(folder, `.doctor-${process.pid}`)
  const file = await open(path, 'wx', 0o600).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const times: DurationMs[] = []
    for (let turn = 0; turn < FLUSHES; turn++) {
      const startedMs = systemClock.monotonicMs()
      await file.write(Buffer.alloc(PAGE_BYTES, turn))
      await file.datasync()
      times.push(systemClock.monotonicMs() - startedMs)
    }
    return times.toSorted((a, b) => a - b)[Math.floor(FLUSHES / 2)]
  } catch {
    return undefined
  } finally {
    await file.close()
    await unlink(path)
  }
}
