import { appendFileSync } from 'node:fs'
import files from 'node:fs/promises'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'

// Preloaded into a command (node --import): ends it with SIGKILL right before its n-th effect that outlives it. Those are names in
// folders that appear or vanish, transactions that are sent, and what is printed; whatever lies between two of them changes nothing.

const EFFECT = Number(process.env['STARLING_KILL_AT_EFFECT'])
const LIST = process.env['STARLING_LIST_EFFECTS']
let count = 0

function effect(name: string): void {
  count += 1
  if (LIST !== undefined) appendFileSync(LIST, `${name}\n`)
  if (count !== EFFECT) return
  // Whoever is killed keeps nothing of what it has compiled, and there are dozens.
  flushCompileCache()
  process.kill(process.pid, 'SIGKILL')
}

for (const name of ['rename', 'link', 'unlink'] as const) {
  const real = files[name] as (...args: readonly unknown[]) => Promise<void>
  Object.assign(files, {
    [name]: (...args: readonly unknown[]) => {
      effect(`${name} ${String(args.at(-1))}`)
      return real(...args)
    },
  })
}
syncBuiltinESMExports()

const realFetch = globalThis.fetch
globalThis.fetch = (input, init) => {
  if (String(init?.body).includes('"eth_sendRawTransaction"')) effect('send')
  return realFetch(input, init)
}

const realWrite = process.stdout.write.bind(process.stdout) as (...args: readonly unknown[]) => boolean
Object.assign(process.stdout, {
  write: (...args: readonly unknown[]) => {
    effect('print')
    return realWrite(...args)
  },
})
