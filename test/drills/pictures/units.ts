const BYTE_STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A value in one of Grafana's units, as short as it can be read. */
export function written(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–'
  switch (unit) {
    case 'bytes':
      return bytes(value)
    case 'Bps':
      return `${bytes(value)}/s`
    case 's':
      return seconds(value)
    case 'reqps':
      return `${number(value)} req/s`
    case 'ops':
      return `${number(value)} /s`
    case 'percentunit':
      return `${number(value * 100)} %`
    default:
      return number(value)
  }
}

function bytes(value: number): string {
  const step = value < 1 ? 0 : Math.min(BYTE_STEPS.length - 1, Math.floor(Math.log2(value) / 10))
  return `${number(value / 1024 ** step)} ${BYTE_STEPS[step]}`
}

function seconds(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0 s'
  if (size < 0.001) return `${number(value * 1e6)} µs`
  if (size < 1) return `${number(value * 1000)} ms`
  if (size < 120) return `${number(value)} s`
  return size < 7200 ? `${number(value / 60)} min` : `${number(value / 3600)} h`
}

function number(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${trimmed(value / 1e6, 2)} M`
  if (size >= 1e4) return `${trimmed(value / 1e3, 1)} K`
  return trimmed(value, size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}
