import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a supervisor would have been told, message by message, with `|` around socket and fields. */
export interface NotifyStandIn {
  /** In which it comes before the real one. */
  readonly PATH: string
  said(): Promise<readonly string[]>
}

/** In the place of systemd-notify, in `folder`: writes its words to a file. `first` is a line of shell that runs before that. */
export async function createNotifyStandIn(folder: string, first = ''): Promise<NotifyStandIn> {
  const file = join(folder, 'said')
  const program = join(folder, 'systemd-notify')
  await writeFile(program, `#!/bin/sh\n${first}\nIFS='|'; echo "$NOTIFY_SOCKET|$*" >> '${file}'\n`)
  await chmod(program, 0o755)
  await writeFile(file, '')
  const said = async () => (await readFile(file, 'utf8')).split('\n').filter((one) => one !== '')
  return { PATH: `${folder}:${process.env['PATH']}`, said }
}
