/** Whoever is to be told that the configuration may have changed. */
interface Listener {
  readAgain(): Promise<void>
}

export interface HangUps {
  /** From now on; at once if it was asked for before. */
  tell(listener: Listener): void
}

/**
 * Catches SIGHUP, which would end the process: it asks for the configuration to be read again. On a terminal it says that this is gone, and
 * ends the process as ever.
 */
export function catchHangUps(): HangUps {
  let listener: Listener | undefined
  let isAsked = false
  const onHangUp = () => {
    isAsked = true
    void listener?.readAgain()
  }
  if (process.stdin.isTTY !== true && process.stdout.isTTY !== true) process.on('SIGHUP', onHangUp)
  return {
    tell(found) {
      listener = found
      if (isAsked) onHangUp()
    },
  }
}
