// The first process of a container has no default for signals: one that comes before the program listens would be lost, and the runtime
// would kill the node ten seconds later. Until the program listens by itself, a signal ends it.
for (const signal of ['SIGTERM', 'SIGINT']) {
  const end = () => process.exit(signal === 'SIGTERM' ? 143 : 130)
  const step = (event, listener) => {
    if (event !== signal || listener === end) return
    process.off(signal, end)
    process.off('newListener', step)
  }
  process.on(signal, end)
  process.on('newListener', step)
}
