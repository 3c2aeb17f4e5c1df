// Machines of a network of its own: a namespace each, on one bridge, made by whoever asks and gone with it. Linux, as root.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { NodeHome } from '../../devnet/options.ts'

/** Where this process lives on the bridge. */
export const OWN_ADDRESS = '10.77.0.254'
const INSIDE = 'STARLING_TEST_INSIDE_NAMESPACE'

/** Why no namespaces can be made here; undefined when they can. */
export function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it takes root'
  for (const command of ['ip', 'nft', 'unshare']) {
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) {
      return `${command} is not there (Debian: apt-get install iproute2 nftables)`
    }
  }
  const attempt = spawnSync('unshare', ['--net', '--mount', 'nft', 'add', 'table', 'ip', 'attempt'])
  return attempt.status === 0 ? undefined : 'this kernel makes no namespaces with a packet filter'
}

/** Runs this program once more where nothing that it does to the network is seen outside. Gives its exit code; undefined inside. */
export async function runInside(): Promise<number | undefined> {
  if (process.env[INSIDE] === '1') return undefined
  const [node = '', ...program] = [process.execPath, ...process.argv.slice(1)]
  const child = spawn('unshare', ['--net', '--mount', '--fork', '--kill-child', node, ...program], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

/** The machines of one bridge. */
export class Namespaces {
  readonly #made = new Set<number>()

  constructor() {
    // Nodes do not know settings of this name.
    delete process.env[INSIDE]
    run('mount', '-t', 'tmpfs', 'none', '/run')
    run('ip', 'link', 'set', 'lo', 'up')
    run('ip', 'link', 'add', 'bridge', 'type', 'bridge')
    run('ip', 'addr', 'add', `${OWN_ADDRESS}/16`, 'dev', 'bridge')
    run('ip', 'link', 'set', 'bridge', 'up')
  }

  home(index: number): NodeHome {
    if (!this.#made.has(index)) this.#make(index)
    return { ip: addressOf(index), ports: [22_021, 22_020, 9_090], command: ['ip', 'netns', 'exec', nameOf(index)] }
  }

  /** Drops, without a word, what one machine sends to others. */
  cut(from: number, to: readonly number[]): void {
    for (const index of to) {
      run(
        'ip',
        'netns',
        'exec',
        nameOf(index),
        'nft',
        'add',
        'rule',
        'ip',
        'cut',
        'in',
        'ip',
        'saddr',
        addressOf(from),
        'drop',
      )
    }
  }

  heal(): void {
    for (const index of this.#made)
      run('ip', 'netns', 'exec', nameOf(index), 'nft', 'flush', 'chain', 'ip', 'cut', 'in')
  }

  #make(index: number): void {
    const name = nameOf(index)
    const inside = ['ip', 'netns', 'exec', name, 'nft'] as const
    run('ip', 'netns', 'add', name)
    run('ip', 'link', 'add', `veth${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    run('ip', 'link', 'set', `veth${index}`, 'master', 'bridge', 'up')
    run('ip', '-n', name, 'addr', 'add', `${addressOf(index)}/16`, 'dev', 'eth0')
    for (const link of ['eth0', 'lo']) run('ip', '-n', name, 'link', 'set', link, 'up')
    run(...inside, 'add', 'table', 'ip', 'cut')
    run(...inside, 'add', 'chain', 'ip', 'cut', 'in', '{ type filter hook input priority 0; }')
    this.#made.add(index)
  }
}

function nameOf(index: number): string {
  return `node${index}`
}

function addressOf(index: number): string {
  return `10.77.${index}.1`
}

function run(command: string, ...words: readonly string[]): void {
  execFileSync(command, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
