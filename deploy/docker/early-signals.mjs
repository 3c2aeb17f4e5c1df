// The first process of a container has no default for signals: one that comes before the program listens would be lost, and the runtime
// would kill the node ten seconds later. Until the program listens by itself, a signal ends it.
for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
]) {
  let isTaken = false
  // It stays: with the last listener of a signal, Node stops to listen for it, and the program's own may come right then.
  process.on(signal, () => isTaken || process.exit(code))
  process.on('newListener', (event) => {
    isTaken ||= event === signal
  })
}
