import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { COMPILE_CACHE } from './devnet/built-program.ts'

// Every file has a process of its own, which compiles much that the others have compiled.
process.env['NODE_COMPILE_CACHE'] ??= COMPILE_CACHE

// End-to-end tests start many processes; they run in a project of their own, two files at a time, after the rest.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/tidy.test.ts', 'test/unit/**/*.test.ts', 'contracts/test/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: availableParallelism(),
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Vitest's own second is too short for what a busy machine does next; nobody waits longer than it takes.
          expect: { poll: { timeout: 30_000 } },
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          // One alone leaves half of two processors idle, for networks wait a lot.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
