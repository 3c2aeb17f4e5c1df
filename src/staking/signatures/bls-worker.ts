import { parentPort } from 'node:worker_threads'
import { assert } from '../../base/assert.ts'
import { type BlsTask, runBlsTask } from './bls-task.ts'

// The thread that bls-thread.ts starts: one task at a time, and an answer for each.

assert(parentPort !== null, 'This file runs in a thread of its own')
const port = parentPort

port.on('message', (task: BlsTask) => {
  port.postMessage(runBlsTask(task))
})
