import { createServer } from 'node:net'
import { isAddressAllowed } from '../../network/address-rules.ts'
import { defaultNetworkOptions } from '../../network/options.ts'
import { readKeyFiles } from '../../node/key-files.ts'
import { SecretFileError, type SecretFileErrorCode } from '../../node/secret-file.ts'
import { defaultRpcOptions } from '../../rpc/options.ts'
import { AdminClientError } from '../admin-client.ts'
import { EXIT } from '../exit-codes.ts'
import { type Finding, fail, ok, once, skipped, warn } from '../finding.ts'
import type { Check, PreflightContext } from './preflight-check.ts'
import { runningNode } from './signature-access.ts'

const GIB = 1024 ** 3
/** A swarm's messages of two weeks and their index take less; below the second, a node refuses messages soon. */
const DISK_COMFORTABLE_BYTES = 20 * GIB
const DISK_NEEDED_BYTES = 2 * GIB

/** Faults of the files themselves; what else can be wrong with them is who may read them. */
const CONTENT_FAULTS: ReadonlySet<SecretFileErrorCode> = new Set<SecretFileErrorCode>([
  'SECRET_FILE_SIZE',
  'SECRET_FILE_INVALID',
])

/** The keys, and the machine that the node runs on. */
export function machineChecks({ settings, publicIp, freeBytes, signal }: PreflightContext): readonly Check[] {
  const { keysFolder, dataFolder, configured } = settings
  const keysFault = once(async () => {
    try {
      await readKeyFiles(keysFolder)
      return undefined
    } catch (error) {
      if (error instanceof SecretFileError) return error
      throw error
    }
  })
  const isRunning = once(async () => {
    try {
      await runningNode({ settings }).status(signal)
      return true
    } catch (error) {
      if (error instanceof AdminClientError) return false
      throw error
    }
  })
  const allowPrivate = configured('network.allowPrivateAddresses') === true
  return [
    {
      id: 'key-files',
      title: 'Key files',
      exitCode: EXIT.keys,
      async run() {
        const fault = await keysFault()
        if (fault === undefined || CONTENT_FAULTS.has(fault.code)) return ok(`in ${keysFolder}, for this user alone`)
        return fail(fault.message, 'Do what the message says; keys that others have read are to be made anew')
      },
    },
    {
      id: 'keys-well-formed',
      title: 'Keys',
      exitCode: EXIT.keys,
      async run() {
        const fault = await keysFault()
        if (fault === undefined) return ok('both are keys')
        if (!CONTENT_FAULTS.has(fault.code)) return skipped('they cannot be read')
        return fail(fault.message, 'Restore the file from its backup')
      },
    },
    {
      id: 'public-ip',
      title: 'Public address',
      exitCode: EXIT.usage,
      run: async () => addressFinding(publicIp, allowPrivate),
    },
    {
      id: 'port-clients',
      title: 'Port for clients',
      exitCode: EXIT.unavailable,
      run: async () => portFinding(configured('rpc.port') ?? defaultRpcOptions.httpsPort, isRunning),
    },
    {
      id: 'port-nodes',
      title: 'Port for nodes',
      exitCode: EXIT.unavailable,
      run: async () => portFinding(configured('network.port') ?? defaultNetworkOptions.listenPort, isRunning),
    },
    {
      id: 'disk-space',
      title: 'Disk',
      exitCode: EXIT.unavailable,
      run: async () => diskFinding(await freeBytes(dataFolder)),
    },
  ]
}

function addressFinding(publicIp: string | undefined, allowPrivate: boolean): Finding {
  if (publicIp === undefined) {
    return fail('unknown', 'Set publicIp in the configuration, or give --public-ip: without it nobody finds the node')
  }
  if (isAddressAllowed(publicIp, { allowPrivate })) return ok(publicIp)
  return fail(`${publicIp} is not a public address`, 'Give the address under which others reach this machine')
}

async function portFinding(port: unknown, isRunning: () => Promise<boolean>): Promise<Finding> {
  if (await isRunning()) return ok(`${port}: the node is running`)
  if (await isFree(Number(port))) return ok(`${port} is free`)
  return fail(`${port} is taken by another program`, 'End that program, or choose another port in the configuration')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function diskFinding(free: number | undefined): Finding {
  if (free === undefined) return skipped('no folder to look at')
  const seen = `${Math.floor(free / GIB)} GiB free`
  if (free >= DISK_COMFORTABLE_BYTES) return ok(seen)
  const remedy = `Make room, or put the data folder elsewhere: ${DISK_COMFORTABLE_BYTES / GIB} GiB are comfortable`
  return free >= DISK_NEEDED_BYTES ? warn(seen, remedy) : fail(seen, remedy)
}
