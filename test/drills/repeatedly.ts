/** Does something again and again, several at a time, each with the count of its own turns, until it is disposed of. The work keeps its own pace. */
export function repeatedly(atOnce: number, work: (count: number) => Promise<unknown>): AsyncDisposable {
  const stop = new AbortController()
  const worker = async () => {
    for (let count = 0; !stop.signal.aborted; count++) await work(count)
  }
  const working = Promise.all(Array.from({ length: atOnce }, worker))
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await working
    },
  }
}
