import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, globSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { ARCHITECTURES, type Cpu, settle, writeApplicationTree } from './application-tree.ts'
import { copyrightText } from './copyright.ts'
import { shellFiles } from './shell-files.ts'

export interface DebianPackageOptions {
  readonly repository: string
  /** Where the tree is made; it is emptied first. */
  readonly workFolder: string
  readonly cpu: Cpu
  /** Debian's own count, for one version that is packaged again. */
  readonly revision: number
  /** Seconds since 1970 that all files in it bear. */
  readonly epochS: number
  /** Where the package is written to. */
  readonly toFolder: string
}

const MAINTAINER = 'Starling operators <starling@localhost>'
/** Of the newest symbols that Node.js and the native packages use (objdump -T), and of what the maintainer scripts and the unit say. */
const DEPENDS = 'libc6 (>= 2.33), libstdc++6 (>= 9), libgcc-s1, systemd (>= 252)'
const SCRIPTS = ['postinst', 'prerm', 'postrm']

/** Writes `starling_VERSION-REVISION_ARCHITECTURE.deb` and gives its path. The same sources give the same bytes. */
export function writeDebianPackage(options: DebianPackageOptions): string {
  const { repository, workFolder: root, cpu, epochS, toFolder } = options
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  const full = `${version}-${options.revision}`
  rmSync(root, { recursive: true, force: true })
  const { modules } = writeApplicationTree(repository, join(root, 'usr/lib/starling'), cpu, epochS)
  const deploy = (path: string) => join(repository, 'deploy', path)
  const put = (from: string, to: string) => cpSync(from, join(root, to))

  put(deploy('deb/starling.sh'), 'usr/bin/starling')
  put(deploy('systemd/starling.service'), 'usr/lib/systemd/system/starling.service')
  put(deploy('deb/starling.sysusers'), 'usr/lib/sysusers.d/starling.conf')
  put(deploy('deb/starling.tmpfiles'), 'usr/lib/tmpfiles.d/starling.conf')
  const doc = 'usr/share/doc/starling'
  put(deploy('deb/starling.lintian-overrides'), 'usr/share/lintian/overrides/starling')
  put(join(repository, 'config/service-node.example.yml'), `${doc}/examples/service-node.yml`)
  writeIn(root, `${doc}/copyright`, copyrightText(repository, modules))
  writeIn(root, `${doc}/changelog.Debian.gz`, zipped(changelogText(full, epochS)))
  for (const { path, content } of shellFiles(repository)) {
    writeIn(root, path, path.endsWith('.gz') ? zipped(content) : content)
  }

  for (const script of SCRIPTS) put(deploy(`deb/${script}`), `DEBIAN/${script}`)
  writeIn(root, 'DEBIAN/md5sums', checksums(root))
  writeIn(root, 'DEBIAN/control', controlText(full, cpu, installedKib(root)))
  settle(root, epochS)
  mkdirSync(toFolder, { recursive: true })
  const file = join(toFolder, `starling_${full}_${ARCHITECTURES[cpu]}.deb`)
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epochS) }
  // All systems that have the systemd of DEPENDS read zstd, in an eighth of the time that xz takes.
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z9', '--build', root, file], { env, stdio: 'pipe' })
  return file
}

function writeIn(root: string, path: string, content: string | Uint8Array): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content)
}

/** Without a name and a time. */
function zipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 })
}

function controlText(version: string, cpu: Cpu, kib: number): string {
  return `Package: starling
Version: ${version}
Section: net
Priority: optional
Architecture: ${ARCHITECTURES[cpu]}
Maintainer: ${MAINTAINER}
Installed-Size: ${kib}
Depends: ${DEPENDS}
Description: staked service node for private messaging
 Starling keeps messages in swarms of nodes until they are fetched, and passes
 onion requests on, so that no node knows both who asks and what for. Whoever
 runs a node stakes for it in a contract.
 .
 The package brings the Node.js that it runs with, a systemd service and the
 command line "starling". Begin with "starling init".
`
}

function changelogText(version: string, epochS: number): string {
  const date = new Date(epochS * 1000).toUTCString().replace('GMT', '+0000')
  return `starling (${version}) stable; urgency=medium

  * Version ${version.slice(0, version.lastIndexOf('-'))}; the repository tells what is new.

 -- ${MAINTAINER}  ${date}
`
}

function checksums(root: string): string {
  const lines = filesOf(root).map((path) => {
    const sum = createHash('md5')
      .update(readFileSync(join(root, path)))
      .digest('hex')
    return `${sum}  ${path}\n`
  })
  return lines.join('')
}

/** As dpkg-gencontrol counts: whole kibibytes of each file, and one for all else. */
function installedKib(root: string): number {
  const paths = globSync('**/*', { cwd: root, exclude: ['DEBIAN'] })
  return paths.reduce((sum, path) => {
    const stats = lstatSync(join(root, path))
    return sum + (stats.isFile() ? Math.ceil(stats.size / 1024) : 1)
  }, 0)
}

function filesOf(root: string): readonly string[] {
  return globSync('**/*', { cwd: root, exclude: ['DEBIAN'] })
    .filter((path) => lstatSync(join(root, path)).isFile())
    .sort()
}
