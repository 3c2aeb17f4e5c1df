/**
 * What a part logs with. Facts come first as an object, the sentence is constant:
 * `log.info({ swarmId, members }, 'Our swarm changed')`.
 *
 * Never, at any level: private or shared keys, message bodies, account ids, message hashes, client addresses, and which node a request
 * came from or went to. docs/logging.md says what each level may tell.
 */
export interface Logger {
  error(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
  info(facts: object, sentence: string): void
  debug(facts: object, sentence: string): void
  trace(facts: object, sentence: string): void
  /** A logger whose lines carry `part`. */
  part(name: string): Logger
}

const nothing = () => {}

/** For callers that want no log, such as tests of a single part. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  part: () => silentLogger,
}
