/** One line for programs. */
export interface DevnetEvent {
  readonly event: string
  readonly [fact: string]: unknown
}

/** Where the devnet tells what it does: people read lines, programs read one JSON object a line. */
export interface Reporter {
  /** What is being done now, for anything that takes longer than a second. */
  progress(step: string, facts?: object): void
  /** A line of the story that only people read. */
  say(line?: string): void
  /** An event that programs wait for. */
  event(event: DevnetEvent): void
}

export function createReporter({ json }: { json: boolean }): Reporter {
  const start = performance.now()
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1).padStart(5)
  const jsonLine = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

  if (json) {
    return {
      progress: (step, facts = {}) => jsonLine({ event: 'progress', step, ...facts }),
      say: () => {},
      event: jsonLine,
    }
  }
  return {
    progress: (step) => process.stdout.write(`${seconds()} s  ${step}\n`),
    say: (line = '') => process.stdout.write(`${line}\n`),
    event: () => {},
  }
}

export const silentReporter: Reporter = { progress: () => {}, say: () => {}, event: () => {} }
