// node test/drills/mixed-versions.ts REVISION: a swarm of nodes that run the program as it was at an earlier revision of this repository is
// upgraded node by node under load, and back again if both know the same schema of the message database. No operation may fail that is
// tried once more, and nothing acknowledged may be missing. An older program that cannot read the newer database has to refuse it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram } from '../../devnet/built-program.ts'
import { freePorts } from '../../devnet/free-port.ts'
import type { NodeHome } from '../../devnet/options.ts'
import { createChance } from '../support/chance.ts'
import { startTestDevnet } from '../support/devnet.ts'
import { type RollingRestart, restartOneByOne } from '../support/rolling-restart.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODES = 6

const revision = process.argv[2]
if (revision === undefined) throw new Error('Name the revision of the older program, such as a tag or HEAD~100')
const folder = mkdtempSync(join(tmpdir(), 'starling-mixed-'))
try {
  process.exitCode = await drill(checkOut(revision))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function drill(older: string): Promise<number> {
  const newer = builtProgram().main
  const chance = createChance()
  console.log(`Seed ${chance.seed}, ${NODES} nodes of ${revision}`)
  for (let index = 1; index <= NODES; index++) runs(index, older)
  const homes = await Promise.all(Array.from({ length: NODES }, (_, at) => homeOf(at + 1)))
  const homeOfNode = (index: number) => homes[index - 1] as NodeHome
  await using devnet = await startTestDevnet({ nodes: NODES, logLevel: 'warn', homeOf: homeOfNode })
  const restart = async (to: string) => {
    // Each node runs the other program from its next start on.
    for (const { index } of devnet.nodes) runs(index, to)
    return restartOneByOne(devnet, devnet.nodes, chance)
  }
  const upgrade = report('upgrade', await restart(newer))
  const schemas = [older, join(ROOT, 'src/cli/main.ts')].map((main) => schemaOf(join(main, '../../..')))
  if (schemas[0] === schemas[1]) return upgrade && report('downgrade', await restart(older)) ? 0 : 1
  console.log(
    `The schema went from ${schemas.join(' to ')}: there is no way back but with the older program's own data`,
  )
  const [first] = devnet.nodes
  await first?.runner.stop('SIGTERM')
  return upgrade && (await isRefused(first?.folder ?? '', older)) ? 0 : 1
}

function checkOut(wanted: string): string {
  const place = join(folder, 'older')
  execFileSync(
    'sh',
    ['-c', 'mkdir "$1" && git archive "$2" src config package.json | tar -x -C "$1"', 'sh', place, wanted],
    {
      cwd: ROOT,
      stdio: 'inherit',
    },
  )
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  return join(place, 'src/cli/main.ts')
}

/** Which program a node starts is in a file. */
function runs(index: number, main: string): void {
  writeFileSync(join(folder, `program-${index}`), main)
}

async function homeOf(index: number): Promise<NodeHome> {
  const ip = `127.0.${index}.1`
  // In the place of the first two words, node and the program, comes what the file says.
  const script = 'main=$(cat "$1"); node=$2; shift 3; exec "$node" "$main" "$@"'
  const command = ['sh', '-c', script, 'sh', join(folder, `program-${index}`)]
  return { ip, ports: (await freePorts(ip, 3)) as [number, number, number], command }
}

function report(
  name: string,
  { restarts, failures, retried, operations, acknowledged, missing }: RollingRestart,
): boolean {
  const retries = [...retried.values()].reduce((sum, count) => sum + count, 0)
  for (const [reason, count] of retried) console.log(`tried once more ${count} times: ${reason}`)
  for (const failure of failures) console.log(`failed twice: ${failure}`)
  const orderly = restarts.filter(({ exitCode }) => exitCode === 0).length
  console.log(
    `${name}: ${orderly} of ${restarts.length} nodes ended with 0; ${operations} operations, ${retries} tried once more, ` +
      `${failures.length} failed; ${acknowledged} acknowledged, ${missing} missing`,
  )
  return orderly === restarts.length && failures.length === 0 && missing === 0
}

function schemaOf(place: string): string | undefined {
  return /SCHEMA_VERSION = (\d+)/.exec(readFileSync(join(place, 'src/storage/schema-version.ts'), 'utf8'))?.[1]
}

/** Whether the older program ends at once on data of the newer one, and says why. */
async function isRefused(home: string, older: string): Promise<boolean> {
  try {
    execFileSync(process.execPath, [older, 'run', '--config', join(home, 'starling.yml'), '--metrics.port', '0'], {
      stdio: 'pipe',
      timeout: 30_000,
    })
    return false
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    const isClear = said.includes('SCHEMA_UNSUPPORTED')
    console.log(`An older program on the newer database ${isClear ? 'refuses it' : `says: ${said}`}`)
    return isClear
  }
}
