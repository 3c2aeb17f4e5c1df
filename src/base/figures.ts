import { DAY, type DurationMs, HOUR, MINUTE, SECOND, type TimestampMs } from './clock.ts'

// How figures are written for people: short, and as wide for as long as they can be, so that nothing jumps about.

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const RATE_UNITS = ['', ' k', ' M', ' G']

export function count(value: number): string {
  return COUNT.format(value)
}

/** 0, 0.4, 12, 3.4 k: two digits tell enough of a rate. */
export function rate(perS: number): string {
  return inUnits(perS, 1000, RATE_UNITS)
}

export function bytes(value: number): string {
  return inUnits(
    value,
    1024,
    BYTE_UNITS.map((unit) => ` ${unit}`),
  )
}

function inUnits(value: number, step: number, units: readonly string[]): string {
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log(Math.max(value, 1)) / Math.log(step))))
  const scaled = value / step ** power
  // Of what comes in ones, a tenth is said only where a rate can have it.
  const digits = scaled !== 0 && scaled < 10 && !Number.isInteger(scaled) ? scaled.toFixed(1) : COUNT.format(scaled)
  return `${digits}${units[power]}`
}

export function percent(share: number): string {
  // Rounded down: nothing is whole before it is.
  return `${Math.floor(share * 100)} %`
}

/** The two largest units: 12 d 4 h, 5 min 3 s, 0 s. */
export function duration(ms: DurationMs): string {
  const whole = Math.max(0, ms)
  const units: readonly (readonly [size: DurationMs, name: string])[] = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ]
  const first = units.findIndex(([size]) => whole >= size)
  if (first === -1) return '0 s'
  const said = units.slice(first, first + 2).map(([size, name], at) => {
    const above = at === 0 ? Number.POSITIVE_INFINITY : (units[first]?.[0] ?? 1)
    return { amount: Math.floor((whole % above) / size), name }
  })
  return said
    .filter(({ amount }, at) => at === 0 || amount > 0)
    .map(({ amount, name }) => `${amount} ${name}`)
    .join(' ')
}

/** 2026-11-23 14:03 UTC */
export function dateTime(atMs: TimestampMs): string {
  const date = new Date(atMs)
  // What a contract says can lie beyond what a date can be.
  return Number.isNaN(date.getTime())
    ? 'an impossible date'
    : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** 14:03:22 UTC */
export function timeOfDay(atMs: TimestampMs): string {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`
}

/** The first and last digits of a key, which tell nodes apart. */
export function shortKey(key: string): string {
  return key.length <= 12 ? key : `${key.slice(0, 6)}…${key.slice(-4)}`
}

/** "1 member", "2 members" */
export function counted(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`
}
