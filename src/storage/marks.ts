/** Small facts that have to survive a restart, such as how far a join has come. */
export interface Marks {
  read(name: string): Promise<Buffer | undefined>
  /** Settles when the disk has it. Without a value, the mark goes. */
  write(name: string, value: Uint8Array | undefined): Promise<void>
}
