import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const COMMAND_MAX_MS = 180_000
const OUTPUT_MAX_BYTES = 8 * 1024 * 1024

/** A shell on a machine whose podman has no images and no volumes yet. Disposal stops what runs, and forgets all of it. */
export class ContainerHost implements AsyncDisposable {
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv

  constructor(folder: string) {
    this.#folder = folder
    const storage = join(folder, 'containers')
    mkdirSync(join(storage, 'bin'), { recursive: true })
    this.#env = {
      ...process.env,
      HOME: folder,
      CONTAINERS_CONF: join(storage, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(storage, 'storage.conf'),
    }
    writeSettings(storage)
  }

  /** A line for a shell, which must succeed. @throws with what it said */
  must(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { timeout: COMMAND_MAX_MS, maxBuffer: OUTPUT_MAX_BYTES, cwd: this.#folder, env: this.#env }
      execFile('sh', ['-c', line], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(`${line}\nended with ${String(error.code)}:\n${stdout}${stderr}`))
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.must('podman rm --all --force --time 15; podman system reset --force; true')
  }
}

/** Nothing of this machine's podman, and nothing that a container here cannot have. */
function writeSettings(storage: string): void {
  const settings = `[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "${storage}/run/libpod"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
`
  writeFileSync(join(storage, 'containers.conf'), settings)
  const layers = `[storage]
driver = "overlay"
graphroot = "${storage}/layers"
runroot = "${storage}/run"
`
  writeFileSync(join(storage, 'storage.conf'), layers)
}
