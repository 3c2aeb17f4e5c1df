/** What a check of this machine, the account or the node came to. */
export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  /** What was found, for people. */
  readonly seen: string
  /** What mends it. */
  readonly remedy: string | undefined
}

export function ok(seen: string): Finding {
  return { status: 'ok', seen, remedy: undefined }
}

export function warn(seen: string, remedy: string): Finding {
  return { status: 'warn', seen, remedy }
}

export function fail(seen: string, remedy: string): Finding {
  return { status: 'fail', seen, remedy }
}

export function skipped(seen: string): Finding {
  return { status: 'skipped', seen, remedy: undefined }
}

/** Computes once, for all checks that need it; a failure is each one's. */
export function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= compute()
    return result
  }
}
