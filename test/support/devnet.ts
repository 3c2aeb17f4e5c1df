import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Devnet, startDevnet } from '../../devnet/network.ts'
import { type DevnetOptions, defaultDevnetOptions } from '../../devnet/options.ts'
import { silentReporter } from '../../devnet/reporter.ts'

/** A devnet in a temporary folder, which goes with it. */
export async function startTestDevnet(options: Partial<DevnetOptions> = {}): Promise<Devnet & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-test-devnet-'))
  try {
    const devnet = await startDevnet({ ...defaultDevnetOptions, folder, ...options }, silentReporter)
    return {
      ...devnet,
      folder,
      async [Symbol.asyncDispose]() {
        await devnet[Symbol.asyncDispose]()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}
