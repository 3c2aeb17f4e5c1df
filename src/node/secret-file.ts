import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { toHex } from '../base/bytes.ts'
import { CodedError } from '../base/coded-error.ts'

export type SecretFileErrorCode =
  /** There is no such file. */
  | 'SECRET_FILE_MISSING'
  /** There is such a file already, and secrets are never overwritten. */
  | 'SECRET_FILE_EXISTS'
  /** The path is a symbolic link, or no regular file. */
  | 'SECRET_FILE_NOT_REGULAR'
  /** Group or others may read or write the file. */
  | 'SECRET_FILE_EXPOSED'
  /** The file belongs to another user. */
  | 'SECRET_FILE_OWNER'
  /** The file has not the size that such a secret has. */
  | 'SECRET_FILE_SIZE'
  /** The file's content is no such secret. */
  | 'SECRET_FILE_INVALID'
  /** The folder is a symbolic link or no folder, belongs to another user, or group or others may write to it, or may look into one of keys. */
  | 'SECRET_FOLDER_EXPOSED'
  /** The system refuses to open, make or write it. */
  | 'SECRET_FILE_INACCESSIBLE'

/** A secret on disk that cannot be trusted or used. The message says what mends it; it never contains the secret. */
export class SecretFileError extends CodedError<SecretFileErrorCode> {}

const GROUP_OR_OTHERS = 0o077
const GROUP_OR_OTHERS_WRITE = 0o022

/**
 * The bytes of a file that only this user can read.
 * @throws {SecretFileError}
 */
export async function readSecretFile(path: string, size: { minBytes: number; maxBytes: number }): Promise<Uint8Array> {
  await refuseExposedFolder(dirname(path))
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw openingError(error, path)
    },
  )
  try {
    const stats = await file.stat()
    refuseExposed(stats, path)
    if (stats.size < size.minBytes || stats.size > size.maxBytes) {
      const expected = size.minBytes === size.maxBytes ? `${size.minBytes}` : `${size.minBytes} to ${size.maxBytes}`
      const details = { path, size: stats.size }
      throw new SecretFileError('SECRET_FILE_SIZE', `${path} must have ${expected} bytes`, { details })
    }
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/**
 * Makes a file with mode 0600, whole or not at all and safe from a power cut, in a folder with mode 0700. It never replaces one.
 * @throws {SecretFileError}
 */
export async function createSecretFile(path: string, content: Uint8Array): Promise<void> {
  await createSecretFolder(dirname(path))
  const temporary = join(dirname(path), `.${basename(path)}.${toHex(randomBytes(6))}`)
  try {
    await writeNew(temporary, content)
    // Unlike a rename, a link fails when the name is taken.
    await link(temporary, path)
  } catch (error) {
    throw openingError(error, path)
  } finally {
    await unlink(temporary).catch(() => {})
  }
  await syncFolder(dirname(path))
}

/**
 * For those who have work to do before they make the file; making it refuses too.
 * @throws {SecretFileError} SECRET_FILE_EXISTS
 */
export async function refuseExistingFile(path: string): Promise<void> {
  if (await fileExists(path)) throw new SecretFileError('SECRET_FILE_EXISTS', `${path} exists and is not overwritten`)
}

/** Whatever it is; a dangling link is there too. */
export function fileExists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Makes the folder when it is missing; refuses one that others can write to. */
export async function createSecretFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw openingError(error, folder)
  }
  await refuseExposedFolder(folder)
}

async function writeNew(path: string, content: Uint8Array): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const file: FileHandle = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  try {
    // The process's umask may have taken more than it should.
    await file.chmod(0o600)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function refuseExposed(stats: Stats, path: string): void {
  if (!stats.isFile()) throw new SecretFileError('SECRET_FILE_NOT_REGULAR', `${path} is not a regular file`)
  if (isForeign(stats)) {
    throw new SecretFileError('SECRET_FILE_OWNER', `${path} belongs to another user; ${ownerRemedy(stats, path)}`)
  }
  if ((stats.mode & GROUP_OR_OTHERS) !== 0) {
    const message = `Other users may read ${path}; run: chmod 600 ${quoted(path)}`
    throw new SecretFileError('SECRET_FILE_EXPOSED', message)
  }
}

/** Whoever may write to the folder can put another file in the secret's place. */
async function refuseExposedFolder(folder: string): Promise<void> {
  const stats = await lstat(folder).catch((error: unknown) => {
    throw openingError(error, folder)
  })
  const refuse = (message: string) => new SecretFileError('SECRET_FOLDER_EXPOSED', message)
  if (!stats.isDirectory()) throw refuse(`${folder} is not a folder, or is a symbolic link`)
  if (isForeign(stats)) {
    throw refuse(`${folder} belongs to another user; ${ownerRemedy(stats, folder)}`)
  }
  if ((stats.mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    throw refuse(`Other users may write to ${folder}; run: chmod 700 ${quoted(folder)}`)
  }
}

/**
 * A folder for keys alone has mode 0700, as it was made.
 * @throws {SecretFileError} SECRET_FOLDER_EXPOSED
 */
export async function refuseSharedFolder(folder: string): Promise<void> {
  await refuseExposedFolder(folder)
  const { mode } = await lstat(folder)
  if ((mode & GROUP_OR_OTHERS) === 0) return
  const message = `Other users may look into ${folder}; run: chmod 700 ${quoted(folder)}`
  throw new SecretFileError('SECRET_FOLDER_EXPOSED', message)
}

/** Root must not take a file from the user that the node runs as: the node could no longer read it. */
function ownerRemedy({ uid }: Stats, path: string): string {
  const own = process.getuid?.()
  if (own === 0) return `run the command as that user: sudo -u '#${uid}' …`
  return `run: chown ${own ?? ''} ${quoted(path)}`
}

function isForeign(stats: Stats): boolean {
  return process.getuid !== undefined && stats.uid !== process.getuid()
}

/** For a shell. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

function openingError(error: unknown, path: string): SecretFileError {
  if (error instanceof SecretFileError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new SecretFileError('SECRET_FILE_MISSING', `${path} does not exist`)
  if (code === 'EEXIST') return new SecretFileError('SECRET_FILE_EXISTS', `${path} exists and is not overwritten`)
  if (code === 'ELOOP') return new SecretFileError('SECRET_FILE_NOT_REGULAR', `${path} is a symbolic link`)
  return new SecretFileError('SECRET_FILE_INACCESSIBLE', `${path} cannot be used: ${String(code)}`, { cause: error })
}
