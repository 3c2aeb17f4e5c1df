import { readFileSync } from 'node:fs'

const SAMPLE_MS = 100

/** What the process takes, looked at ten times a second. */
export class ProcessSamples implements Disposable {
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  #maxBytes = 0
  #lastBytes = 0
  #startMs = performance.now()
  #startCpuS = 0

  constructor(pid: number) {
    this.#pid = pid
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS)
  }

  /** Since it was asked last. */
  take() {
    this.#look()
    const [nowMs, cpuS] = [performance.now(), cpuSecondsOf(this.#pid)]
    const taken = {
      maxBytes: this.#maxBytes,
      lastBytes: this.#lastBytes,
      seconds: (nowMs - this.#startMs) / 1000,
      cpuS: cpuS - this.#startCpuS,
    }
    this.#maxBytes = 0
    this.#startMs = nowMs
    this.#startCpuS = cpuS
    return taken
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#lastBytes = residentBytesOf(this.#pid)
    this.#maxBytes = Math.max(this.#maxBytes, this.#lastBytes)
  }
}

function residentBytesOf(pid: number): number {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kibibytes ?? 0) * 1024
  } catch {
    return 0
  }
}

/** User and system time, in hundredths of a second as the kernel counts them. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}
