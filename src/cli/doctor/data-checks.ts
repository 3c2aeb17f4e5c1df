import { DAY, type DurationMs } from '../../base/clock.ts'
import { bytes, counted, duration, percent } from '../../base/figures.ts'
import { SCHEMA_VERSION } from '../../storage/schema-version.ts'
import { adminSocketPath } from '../admin-client.ts'
import { EXIT } from '../exit-codes.ts'
import { fail, ok, skipped, warn } from '../finding.ts'
import { dataFolderProblems } from '../status/stopped-node.ts'
import { type DoctorCheck, factsOf, fromPreflight, ofSection } from './check.ts'
import { RESTART } from './remedies.ts'

// Keys, messages, and the disk that they are on.

const BACKUP = 'starling backup --to /var/backups/starling/$(date +%F)'
/** Messages live for two weeks: an older backup holds half of them at best. */
const BACKUP_OLD_MS = 7 * DAY
/** A solid-state disk takes a few; every store waits for one flush. */
const FLUSH_WARN_MS: DurationMs = 20
const FLUSH_MAX_MS: DurationMs = 200
const OWNER_ONLY = 0o600
/** A swarm stores as much in minutes: members that are away for longer than that leave more. */
const HINTS_MANY = 10_000

export const DATA_CHECKS: readonly DoctorCheck[] = [
  fromPreflight({
    id: 'key-files',
    title: 'Key files',
    meaning: "The node's keys are there, and for its user alone",
    exitCode: EXIT.keys,
  }),
  fromPreflight({ id: 'keys-well-formed', title: 'Keys', meaning: 'Both key files hold keys', exitCode: EXIT.keys }),
  {
    id: 'key-in-use',
    title: 'Key in use',
    meaning: 'The running node has the key that the key files hold',
    exitCode: EXIT.keys,
    run: ofSection('node', ({ key }, context) => {
      if (context.key === undefined) return skipped('the key files cannot be read')
      if (context.key === key) return ok('that of the key files')
      return fail(
        'the node runs with another key than the key files hold',
        `Restore the key files, or restart the node if the new keys are meant: ${RESTART}`,
      )
    }),
  },
  {
    id: 'data-folder',
    title: 'Data folder',
    meaning: "The data folder can be written to, and by the node's user alone",
    exitCode: EXIT.keys,
    async run({ place: { dataFolder } }) {
      const [found] = await dataFolderProblems(dataFolder)
      return found === undefined ? ok(dataFolder) : fail(found.reason, found.next)
    },
  },
  {
    id: 'admin-socket',
    title: "Socket for the operator's commands",
    meaning: "Only the node's user can open the socket",
    exitCode: EXIT.failure,
    async run({ place: { dataFolder }, machine }) {
      const path = adminSocketPath(dataFolder)
      const mode = await machine.mode(path)
      if (mode === undefined) return skipped('there is none while the node does not run')
      return mode === OWNER_ONLY ? ok('mode 600') : fail(`mode ${mode.toString(8)}`, `chmod 600 ${path}`)
    },
  },
  fromPreflight({
    id: 'disk-space',
    title: 'Disk',
    meaning: 'There is room for the messages of a swarm',
    exitCode: EXIT.unavailable,
  }),
  {
    id: 'disk-speed',
    title: 'Speed of the disk',
    meaning: 'A page is on the disk within 20 ms: each message that is stored waits for that',
    exitCode: EXIT.disk,
    async run({ place: { dataFolder }, machine }) {
      const flushMs = await machine.flushMs(dataFolder)
      if (flushMs === undefined) return skipped('nothing can be written to the data folder')
      const seen = `${flushMs.toFixed(1)} ms for a page`
      const remedy = 'Put the data folder on a solid-state disk, and not on a network drive or a memory card'
      if (flushMs > FLUSH_MAX_MS) return fail(seen, remedy)
      return flushMs > FLUSH_WARN_MS ? warn(seen, remedy) : ok(seen)
    },
  },
  {
    id: 'database-schema',
    title: 'Form of the database',
    meaning: 'The message database has the form that the installed program writes',
    exitCode: EXIT.disk,
    run(context) {
      const facts = factsOf(context, 'storage')
      const schema = typeof facts === 'string' ? (context.runs.at(-1)?.schema ?? undefined) : facts.schema
      if (schema === undefined) return skipped('no run has noted it')
      if (schema === SCHEMA_VERSION) return ok(`version ${schema}`)
      const seen = `version ${schema}; the installed program writes ${SCHEMA_VERSION}`
      if (schema > SCHEMA_VERSION)
        return fail(seen, 'Install the newer program again: this one cannot open the database')
      return warn(seen, `The next start brings it up to date; make a backup before: ${BACKUP}`)
    },
  },
  {
    id: 'storage-writable',
    title: 'Storage',
    meaning: 'Messages can be written, and there is room for them',
    exitCode: EXIT.disk,
    run: ofSection('storage', ({ isWritable, trouble, roomBytes }) => {
      if (!isWritable)
        return fail(
          trouble ?? 'messages cannot be written',
          `Look for errors of the disk: journalctl -k; then ${RESTART}`,
        )
      if (trouble !== null) return warn(trouble, 'Make room on the disk, or raise storage.totalBytesMax')
      return ok(roomBytes === null ? 'messages can be written' : `room for ${bytes(roomBytes)} more`)
    }),
  },
  {
    id: 'backup-age',
    title: 'Backup',
    meaning: 'The messages were backed up within the last week',
    exitCode: EXIT.failure,
    run(context) {
      const facts = factsOf(context, 'storage')
      const lastAtMs = (typeof facts === 'string' ? context.lastBackupAtMs : facts.backup.lastAtMs) ?? undefined
      if (lastAtMs === undefined) return warn('none is known of', BACKUP)
      const ageMs = context.nowMs - lastAtMs
      return ageMs <= BACKUP_OLD_MS ? ok(`${duration(ageMs)} ago`) : warn(`${duration(ageMs)} ago`, BACKUP)
    },
  },
  {
    id: 'storage-proofs',
    title: 'Proofs of storage',
    meaning: 'Most members of the swarm find the messages here that they hold themselves',
    exitCode: EXIT.disk,
    run: ofSection('nodeTests', ({ standings: { storage } }) => {
      if (storage.testers === 0) return skipped('no member has told yet')
      const seen = `${storage.testers - storage.failing} of ${counted(storage.testers, 'tester')} find all`
      if (storage.testers < 2 || storage.failing * 2 <= storage.testers) return ok(seen)
      return fail(seen, 'Look for errors of the disk: journalctl -k; what is missing is fetched by itself')
    }),
  },
  {
    id: 'contents',
    title: 'Messages of the swarm',
    meaning: 'The node has fetched what its swarm holds',
    exitCode: EXIT.tryLater,
    run: ofSection('swarm', ({ id, fetchedShare, isLenient }) => {
      if (id === null) return skipped('the node is in no swarm')
      if (fetchedShare === null) return skipped('it has not begun')
      if (fetchedShare === 1) return ok('all fetched')
      const seen = `${percent(fetchedShare)} fetched`
      return isLenient
        ? fail(`${seen}, and no member can be asked for the rest`, 'starling peers shows who is not reached')
        : warn(seen, 'Wait; starling swarm shows how it goes on')
    }),
  },
  {
    id: 'swarm-members',
    title: 'Members of the swarm',
    meaning: 'More than half of the other members of the swarm answer and hold the same',
    exitCode: EXIT.unavailable,
    run: ofSection('swarm', ({ id, members, comparison }) => {
      if (id === null || members < 2) return skipped('the node is in no swarm with others')
      if (comparison === null) return skipped('nothing has been compared yet')
      const { equal, differing, silent, apart } = comparison
      const seen = `${equal} equal, ${differing} differ, ${silent} silent, ${apart} apart`
      if (silent * 2 > members - 1) return fail(seen, 'starling peers shows who is not reached')
      return differing * 2 > members - 1 ? warn(seen, 'Wait some minutes; if it stays so: starling swarm') : ok(seen)
    }),
  },
  {
    id: 'hints',
    title: 'Requests waiting',
    meaning: 'Few requests wait for members that did not take them',
    exitCode: EXIT.failure,
    run: ofSection('swarm', ({ hintsQueued }) =>
      hintsQueued < HINTS_MANY
        ? ok(counted(hintsQueued, 'request'))
        : warn(counted(hintsQueued, 'request'), 'starling peers shows which members are away'),
    ),
  },
]
