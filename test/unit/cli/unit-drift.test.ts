// What `starling doctor` says of the unit that systemd runs, by the files that a machine may have.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { expect, test } from 'vitest'
import { unitDrift } from '../../../src/cli/doctor/unit-drift.ts'

const UNIT = readFileSync('deploy/systemd/starling.service', 'utf8')
const WEAK = UNIT.replace('NoNewPrivileges=yes\n', '')
const PACKAGED = '/usr/lib/systemd/system/starling.service'
const OWN = '/etc/systemd/system/starling.service'
const DROP_IN = `${OWN}.d/override.conf`
const SUMS = '/var/lib/dpkg/info/starling.md5sums'
const sums = (unit: string) =>
  `${'0'.repeat(32)}  usr/bin/starling\n${createHash('md5').update(unit).digest('hex')}  usr/lib/systemd/system/starling.service\n`

/** A packaged node's machine: the program there has no source tree beside it. */
function on(files: Readonly<Record<string, string>>, needsReload = 'no') {
  return unitDrift({
    readText: async (path) => files[path],
    list: async (folder) => Object.keys(files).flatMap((path) => (dirname(path) === folder ? [basename(path)] : [])),
    unitProperty: async () => needsReload,
  })
}

const packaged = { [PACKAGED]: UNIT, [SUMS]: sums(UNIT) }

test('the packaged unit is compared with what the package brought, and not with itself', async () => {
  expect(await on(packaged)).toMatchObject({ status: 'ok' })
  expect(await on({ ...packaged, [PACKAGED]: WEAK })).toMatchObject({
    status: 'warn',
    remedy: expect.stringMatching(/Reinstall/),
  })
  expect(await on({ [PACKAGED]: UNIT })).toMatchObject({ status: 'skipped' })
  expect(await on({})).toMatchObject({ status: 'skipped' })
})

test("an operator's copy is compared with the packaged unit", async () => {
  expect(await on({ ...packaged, [OWN]: `# mine\n${UNIT}` })).toMatchObject({ status: 'ok' })
  const drifted = await on({ ...packaged, [OWN]: WEAK })
  expect(drifted).toMatchObject({ status: 'warn', seen: expect.stringContaining('NoNewPrivileges=yes') })
})

test.each(['ProtectSystem=full', 'SystemCallFilter=', 'NoExecPaths=', 'User=root', 'LimitCORE=infinity'])(
  'a drop-in with %s is told of',
  async (line) => {
    const found = await on({ ...packaged, [DROP_IN]: `[Service]\nMemoryMax=1G\n${line}\n` })
    expect(found).toMatchObject({ status: 'warn', seen: `${DROP_IN} sets ${line}` })
  },
)

test('a drop-in with limits, with another folder for backups or with what the unit says anyway is fine', async () => {
  const text = '[Service]\n# ProtectSystem=no\nMemoryMax=1G\nReadWritePaths=/mnt/backups\nPrivateTmp=yes\n'
  const found = await on({ ...packaged, [DROP_IN]: text, [`${OWN}.d/notes.txt`]: 'ProtectSystem=no' })
  expect(found).toMatchObject({ status: 'ok', seen: "as packaged, with 1 drop-in of the operator's" })
})

test('a drop-in of this boot counts as well', async () => {
  const path = '/run/systemd/system/starling.service.d/50-ProtectHome.conf'
  expect(await on({ ...packaged, [path]: '[Service]\nProtectHome=no\n' })).toMatchObject({ status: 'warn' })
})

test('a unit that systemd has not read yet is told of', async () => {
  const found = await on(packaged, 'yes')
  expect(found).toMatchObject({ status: 'warn', remedy: expect.stringContaining('daemon-reload') })
})
