import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

// The package carries Chromium, so nothing is downloaded. It is for machines without a screen, and without its sandbox.
const ARGUMENTS = [
  '--headless=shell',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What a machine without a desktop may lack. Any other failure is a failure of the test. */
const LACKING = /error while loading shared libraries: [^\s:]+|Exec format error|ENOEXEC/

/** Chromium, or why it cannot run on this machine. */
export async function launchChromium(): Promise<Browser | { readonly cannotRun: string }> {
  const executablePath = await chromium.executablePath()
  try {
    return await driver.launch({ executablePath, headless: true, args: ARGUMENTS })
  } catch (error) {
    const [lacking] = LACKING.exec(String(error)) ?? []
    if (lacking === undefined) throw error
    return { cannotRun: `Chromium cannot run on this machine: ${lacking}` }
  }
}
