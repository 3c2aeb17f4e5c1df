// A virtual machine that runs one script on a disk of its own and can be cut off: Debian's kernel under qemu's software emulation, and
// the same Node, LevelDB and libsodium as here.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '../..')
/** Loaded in this order; ext4 is built in. */
const MODULES = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci', 'virtio_blk']
const NATIVE_PACKAGES = ['classic-level', 'sodium-native']
const MEMORY_MIB = 768
const DATA_MIB = 512

/** What the machine is made of; kept in a folder between runs. */
export interface MachineParts {
  readonly kernel: string
  readonly initrd: string
  readonly root: string
}

/** Why no machine can be made here; undefined when one can. */
export function obstacle(): string | undefined {
  for (const command of ['qemu-system-x86_64', 'apt-get', 'apt-cache', 'dpkg-deb', 'mkfs.ext4', 'ldd']) {
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) {
      return `${command} is not there (Debian: apt-get install qemu-system-x86 e2fsprogs)`
    }
  }
  return process.arch === 'x64' ? undefined : `the emulated processor is x64, this one is ${process.arch}`
}

/** Fetches a kernel and a shell from Debian, and puts the script with all that it needs on a disk. */
export async function makeMachineParts(folder: string, script: string): Promise<MachineParts> {
  const packages = join(folder, 'packages')
  fetchPackages(packages)
  const [kernel] = globSync(join(packages, 'tree/boot/vmlinuz-*'))
  if (kernel === undefined) throw new Error('The package of the kernel has no kernel')
  const parts = { kernel, initrd: join(folder, 'initrd'), root: join(folder, 'root.img') }
  makeInitrd(packages, join(folder, 'initrd.tree'), parts.initrd)
  await makeRoot(join(folder, 'root.tree'), script)
  makeDisk(parts.root, 512, join(folder, 'root.tree'))
  return parts
}

export function makeDataDisk(path: string): void {
  makeDisk(path, DATA_MIB)
}

export interface RunningMachine {
  /** What the script prints, a line each; ends when the machine does. */
  readonly lines: AsyncIterable<string>
  /** The power goes. */
  cut(): Promise<void>
}

export function startMachine({ kernel, initrd, root }: MachineParts, data: string, mode: string): RunningMachine {
  const drive = (file: string, rest: string) => ['-drive', `file=${file},if=virtio,format=raw,${rest}`]
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg', '-cpu', 'max', '-m', String(MEMORY_MIB), '-nographic', '-no-reboot', '-net', 'none'],
      // Emulated on a busy computer, the timer may look broken to a kernel that checks it.
      ...['-append', `console=ttyS0 quiet panic=-1 no_timer_check starling=${mode}`],
      ...['-kernel', kernel, '-initrd', initrd],
      ...drive(root, 'readonly=on'),
      ...drive(data, 'cache=writeback'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return { lines: createInterface({ input: machine.stdout }), cut: () => cut(machine) }
}

async function cut(machine: ChildProcess): Promise<void> {
  if (machine.exitCode !== null || machine.signalCode !== null) return
  const exited = once(machine, 'exit')
  machine.kill('SIGKILL')
  await exited
}

function fetchPackages(folder: string): void {
  if (existsSync(join(folder, 'tree/bin/busybox'))) return
  mkdirSync(folder, { recursive: true })
  const depends = execFileSync('apt-cache', ['depends', 'linux-image-cloud-amd64'], { encoding: 'utf8' })
  const kernel = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  if (kernel === undefined) throw new Error('Debian has no kernel for clouds')
  execFileSync('apt-get', ['download', kernel, 'busybox-static'], { cwd: folder, stdio: 'ignore' })
  for (const archive of globSync(join(folder, '*.deb'))) execFileSync('dpkg-deb', ['-x', archive, join(folder, 'tree')])
}

function makeInitrd(packages: string, tree: string, initrd: string): void {
  const busybox = join(packages, 'tree/bin/busybox')
  for (const name of ['bin', 'dev', 'proc', 'sysroot', 'modules']) mkdirSync(join(tree, name), { recursive: true })
  cpSync(busybox, join(tree, 'bin/busybox'))
  for (const name of MODULES) {
    const [file] = globSync(join(packages, `tree/lib/modules/**/${name}.ko`))
    if (file === undefined) throw new Error(`The kernel has no module ${name}`)
    cpSync(file, join(tree, 'modules', `${name}.ko`))
  }
  writeFileSync(join(tree, 'init'), initScript())
  chmodSync(join(tree, 'init'), 0o755)
  execFileSync('sh', ['-c', `find . | ${busybox} cpio -o -H newc > ${initrd}`], { cwd: tree, stdio: 'ignore' })
}

function initScript(): string {
  return `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for m in ${MODULES.join(' ')}; do $b insmod /modules/$m.ko; done
$b mount -t ext4 -o ro /dev/vda /sysroot
$b mount -t ext4 /dev/vdb /sysroot/data
$b mount -t devtmpfs dev /sysroot/dev
$b mount -t proc proc /sysroot/proc
mode=$($b sed 's/.*starling=//' /proc/cmdline)
$b chroot /sysroot /bin/node /app/script.mjs $mode
echo "script ended $?"
$b sync
$b poweroff -f
`
}

async function makeRoot(tree: string, script: string): Promise<void> {
  for (const name of ['bin', 'dev', 'proc', 'data', 'tmp', 'app/node_modules'])
    mkdirSync(join(tree, name), { recursive: true })
  const node = process.execPath
  cpSync(node, join(tree, 'bin/node'))
  for (const library of librariesOf(node)) {
    mkdirSync(join(tree, dirname(library)), { recursive: true })
    copyFileSync(library, join(tree, library))
  }
  for (const name of closureOf(NATIVE_PACKAGES)) {
    cpSync(join(ROOT, 'node_modules', name), join(tree, 'app/node_modules', name), { recursive: true })
  }
  const bundle = await rolldown({ input: script, platform: 'node', external: NATIVE_PACKAGES, logLevel: 'silent' })
  await bundle.write({ file: join(tree, 'app/script.mjs'), format: 'esm', codeSplitting: false })
  if (!existsSync(join(tree, 'etc'))) symlinkSync('/tmp', join(tree, 'etc'))
}

function librariesOf(program: string): string[] {
  const printed = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...printed.matchAll(/(\/\S+)/g)].map(([, path]) => path ?? '').filter((path) => existsSync(path))
}

/** Packages with all that they depend on. */
function closureOf(names: readonly string[]): Set<string> {
  const found = new Set<string>()
  const pending = [...names]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const manifest = join(ROOT, 'node_modules', name, 'package.json')
    if (found.has(name) || !existsSync(manifest)) continue
    found.add(name)
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: object }
    pending.push(...Object.keys(dependencies))
  }
  return found
}

function makeDisk(path: string, sizeMib: number, content?: string): void {
  const filled = content === undefined ? [] : ['-d', content]
  execFileSync('mkfs.ext4', ['-q', '-F', ...filled, path, `${sizeMib}M`])
}
