// The program as a few files: most of what a start costs is to find, read and compile two thousand modules.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')
/** Both must lie in one folder, for the one finds the other beside it. */
const ENTRIES = { main: 'src/cli/main.ts', 'bls-worker': 'src/staking/signatures/bls-worker.ts' }
/** Packages with native code find it from where they are installed, and this one is loaded only when it is asked for. */
const LEFT_OUT = ['classic-level', 'sodium-native', 'pino-pretty', 'bufferutil', 'utf-8-validate']

/** Writes the program to `folder`, with `main.js` to start. What it reads of the package lies where it does from `dist/cli/`. */
export async function bundleProgram(folder: string): Promise<readonly OutputChunk[]> {
  const input = Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(ROOT, path)]))
  await using bundle = await rolldown({
    input,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [placesOfSources()],
    onLog(level, log, report) {
      // Of others' code, there is nothing to be mended here.
      if (log.id?.includes('node_modules') !== true && level === 'warn') throw new Error(log.message)
      if (level !== 'warn') report(level, log)
    },
  })
  const { output } = await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].js' })
  return output.filter((file) => file.type === 'chunk')
}

/** Modules name files by where they lie among the sources, and all end up in one folder. */
function placesOfSources(): Plugin {
  const sources = join(ROOT, 'src')
  return {
    name: 'places-of-sources',
    transform(code, id) {
      if (!id.startsWith(sources) || !code.includes('import.meta.dirname')) return null
      const place = relative(join(sources, 'cli'), dirname(id))
      return code.replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${place}`)})`)
    },
  }
}

/** What the licences of the packages in these chunks demand of whoever passes them on. */
export function licencesOf(chunks: readonly OutputChunk[]): string {
  const folders = chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => packageFolderOf(id) ?? []))
  return [...new Set(folders)]
    .sort()
    .map(licenceOf)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

function packageFolderOf(moduleId: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId.replace('\0', ''))?.[0]
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim())
  return `${name} ${version} (${license ?? 'see below'})\n\n${texts.join('\n\n')}\n`
}

interface Package {
  readonly name: string
  readonly version: string
  readonly license?: string
}
