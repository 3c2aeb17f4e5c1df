// Asks the node whether it lives: 0 if so, 1 if not, as HEALTHCHECK wants it. Not whether it serves: a node that waits for its stake, or whose chain is
// away, is not mended by another start. Another port of metrics has to be in the environment, as STARLING_METRICS__PORT.
const { STARLING_METRICS__PORT: port = '9100', STARLING_METRICS__ADDRESS: address = '127.0.0.1' } = process.env
const host = ['0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address.includes(':') ? `[${address}]` : address
const answer = await fetch(`http://${host}:${port}/livez`, { signal: AbortSignal.timeout(4_000) }).catch(() => undefined)
process.exit(answer?.status === 200 ? 0 : 1)
