import { type DurationMs, HOUR } from '../../base/clock.ts'
import { bytes, counted, dateTime, duration } from '../../base/figures.ts'
import { SECTION_NAMES } from '../../node/status-problem-kinds.ts'
import { isNewer } from '../../node/status-problems.ts'
import { differences, type SettingsText, settingsText } from '../../node/status-settings.ts'
import { VERSION_TEXT } from '../../node/version.ts'
import { describeProblem } from '../config/problem.ts'
import { EXIT } from '../exit-codes.ts'
import { fail, ok, skipped, warn } from '../finding.ts'
import { type DoctorCheck, factsOf, NOT_RUNNING, ofSection } from './check.ts'
import { LOG, RESTART } from './remedies.ts'

// The process of the node itself: whether it runs, serves, and is what its configuration says.

const STOPPED = 'systemctl start starling, or docker start of the container'
const HANGS =
  'systemctl status starling, or docker logs of the container; restart it only if /livez at its metrics port fails'
/** Above it, new requests are refused when it lasts. */
const LOOP_DELAY_MAX_MS: DurationMs = 250
const LOOP_DELAY_WARN_MS: DurationMs = 50
const STARTS_OFTEN = 4

export const NODE_CHECKS: readonly DoctorCheck[] = [
  {
    id: 'config-valid',
    title: 'Configuration',
    meaning: 'The configuration is one that the node would start with',
    exitCode: EXIT.usage,
    run({ configuration: { problems, file } }) {
      const [first] = problems
      if (first === undefined) return ok(file ?? 'from flags and environment')
      const remedy = `starling config validate${file === undefined ? '' : ` --config ${file}`}`
      return fail(`${counted(problems.length, 'problem')}, the first: ${describeProblem(first)}`, remedy)
    },
  },
  {
    id: 'node-running',
    title: 'Process',
    meaning: 'A node of this user runs with this data folder and answers',
    exitCode: EXIT.notRunning,
    run({ node, silence }) {
      if (node !== undefined) return ok('it answers')
      return fail(silence?.reason ?? NOT_RUNNING, silence?.isRunning === true ? HANGS : STOPPED)
    },
  },
  {
    id: 'node-serving',
    title: 'Service',
    meaning: 'The node serves clients, as `/readyz` says',
    exitCode: EXIT.tryLater,
    run: ofSection('serving', ({ isServing, notReady }) =>
      isServing
        ? ok('clients are served')
        : fail(notReady.map(({ reason }) => reason).join('; '), 'starling status tells what to type for each reason'),
    ),
  },
  {
    id: 'node-parts',
    title: 'Parts',
    meaning: 'Every part of the node tells how it is',
    exitCode: EXIT.failure,
    run({ node }) {
      if (node === undefined) return skipped(NOT_RUNNING)
      const mute = SECTION_NAMES.filter((name) => ['silent', 'failed'].includes(node.sections[name].state))
      return mute.length === 0 ? ok('all answer') : fail(`no answer from ${mute.join(', ')}`, LOG)
    },
  },
  {
    id: 'program-version',
    title: 'Program',
    meaning: 'The node runs the version that is installed',
    exitCode: EXIT.failure,
    run: ofSection('node', ({ starling }) =>
      starling === VERSION_TEXT ? ok(starling) : warn(`${starling} runs, ${VERSION_TEXT} is installed`, RESTART),
    ),
  },
  {
    id: 'config-drift',
    title: 'Settings',
    meaning: 'The running node has the settings that the configuration gives now',
    exitCode: EXIT.failure,
    run({ settings, lowered = {}, configuration: { options } }) {
      if (settings === undefined) return skipped(NOT_RUNNING)
      if (options === undefined) return skipped('the configuration has problems')
      const now = settingsText(options.node)
      const started = { ...settings, ...lowered }
      const changed = differences(now, started)
      const [first] = changed
      if (first === undefined) return ok(`as configured${loweredText(settings, lowered)}`)
      const example = `${first} is ${started[first] ?? 'unset'}, configured is ${now[first] ?? 'unset'}`
      const remedy = `${RESTART}, unless the node has flags or an environment that this command does not see`
      return warn(`${counted(changed.length, 'setting')} not as configured: ${example}`, remedy)
    },
  },
  {
    id: 'restarts',
    title: 'Restarts',
    meaning: 'The node was not started four times within an hour',
    exitCode: EXIT.failure,
    run({ runs, nowMs, ...context }) {
      const facts = factsOf({ runs, nowMs, ...context }, 'node')
      const own = runs.filter(({ startedAtMs }) => nowMs - startedAtMs <= HOUR).length
      const starts = typeof facts === 'string' ? own : facts.runs.startsLastHour
      const seen = typeof facts === 'string' ? '' : `up ${duration(facts.uptimeMs)}; `
      if (starts < STARTS_OFTEN) return ok(`${seen}${counted(starts, 'start')} within the last hour`)
      return fail(`${seen}${starts} starts within the last hour`, LOG)
    },
  },
  {
    id: 'last-run',
    title: 'Last run',
    meaning: 'The run before this one, or the last one, was stopped and did not break off',
    exitCode: EXIT.failure,
    run(context) {
      const facts = factsOf(context, 'node')
      const before = typeof facts === 'string' ? (context.runs.at(-1) ?? null) : facts.runs.before
      if (before === null) return ok('there was none')
      if (before.end === 'stopped') return ok(`stopped ${dateTime(before.endedAtMs ?? 0)}`)
      return warn(
        `began ${dateTime(before.startedAtMs)} and ${before.end === null ? 'broke off' : `ended because of ${before.end}`}`,
        LOG,
      )
    },
  },
  {
    id: 'log-errors',
    title: 'Log',
    meaning: 'No errors were logged within the last hour',
    exitCode: EXIT.failure,
    run: ofSection('node', ({ log }, { nowMs }) => {
      const recent = log.newest.filter(({ atMs }) => nowMs - atMs <= HOUR)
      const last = recent.at(-1)
      if (last === undefined)
        return ok(`${counted(log.errors, 'error')} and ${counted(log.warnings, 'warning')} since the start`)
      return warn(`${counted(recent.length, 'error')} within the last hour, the newest: ${last.sentence}`, LOG)
    }),
  },
  {
    id: 'event-loop',
    title: 'Event loop',
    meaning: 'The event loop is not late: 50 ms are felt by clients, and at 250 ms requests are refused',
    exitCode: EXIT.failure,
    run: ofSection('node', ({ eventLoopDelayMs, isOverloaded }) => {
      const seen = `${Math.round(eventLoopDelayMs)} ms late`
      const remedy =
        'See with starling top what it is busy with; give the machine a faster processor, or take other programs from it'
      if (isOverloaded || eventLoopDelayMs > LOOP_DELAY_MAX_MS) return fail(seen, remedy)
      return eventLoopDelayMs > LOOP_DELAY_WARN_MS ? warn(seen, remedy) : ok(seen)
    }),
  },
  {
    id: 'memory-use',
    title: 'Memory',
    meaning: 'The node uses less than nine tenths of the memory that it may have',
    exitCode: EXIT.failure,
    run: ofSection('node', ({ memory: { rssBytes, limitBytes } }) => {
      if (limitBytes === null) return ok(`${bytes(rssBytes)}, without a limit`)
      const seen = `${bytes(rssBytes)} of ${bytes(limitBytes)}`
      return rssBytes < limitBytes * 0.9
        ? ok(seen)
        : warn(seen, 'Raise MemoryMax of the unit, or the limit of the container')
    }),
  },
  {
    id: 'version-peers',
    title: 'Version',
    meaning: 'Not more than half of the members run a newer version',
    exitCode: EXIT.failure,
    run: ofSection('network', ({ versions }) => {
      const total = versions.reduce((sum, { members }) => sum + members, 0)
      const newer = versions.filter(({ starling }) => isNewer(starling, VERSION_TEXT))
      const count = newer.reduce((sum, { members }) => sum + members, 0)
      if (total === 0) return skipped('no member is known')
      if (count * 2 <= total) return ok(`${VERSION_TEXT}; ${count} of ${counted(total, 'member')} run a newer one`)
      return warn(
        `${count} of ${total} members run a newer version than ${VERSION_TEXT}`,
        'Build and install the newer version: docs/upgrade.md has it for the package, the image and the sources',
      )
    }),
  },
]

function loweredText(settings: SettingsText, lowered: SettingsText): string {
  const names = Object.keys(lowered)
  const [first] = names
  if (first === undefined) return ''
  const of = counted(names.length, 'limit')
  return `, but for ${of} that there is not the memory for: ${first} is ${settings[first] ?? 'unset'}, not ${lowered[first]}`
}
