import { encodeNotification, type MonitorForm } from '../../protocol/client-api/monitor-frame.ts'
import type { StoredMessage } from '../../protocol/message.ts'

/** A message to be told of. Each of its four frames is written once, however many are told. */
export class Notification {
  readonly message: StoredMessage
  readonly #frames = new Map<string, Uint8Array>()

  constructor(message: StoredMessage) {
    this.message = message
  }

  frame(withData: boolean, form: MonitorForm): Uint8Array {
    const name = `${form} ${withData}`
    const frame = this.#frames.get(name) ?? encodeNotification(this.message, withData, form)
    this.#frames.set(name, frame)
    return frame
  }
}
