// What a backup is, in its own words: a folder with `messages.records`, and beside it `manifest.json`, which is written last. docs/backup.md
// has both, field by field.
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, isWhole, type JsonObject, parseJson } from '../../protocol/json.ts'
import { SCHEMA_VERSION } from '../schema-version.ts'
import { BackupError } from './errors.ts'
import { syncFolder } from './folder.ts'

export const MANIFEST_FILE = 'manifest.json'
export const RECORDS_FILE = 'messages.records'

const FORMAT = 'starling-backup'
const FORMAT_VERSION = 1
/** A manifest has half a kilobyte. */
const MANIFEST_MAX_BYTES = 65_536

/** Whose database it is. */
export interface BackupOrigin {
  /** Id of the network, hex. */
  readonly network: string
  /** Ed25519 key of the node, hex. */
  readonly node: string
  /** Version of the software that made it. */
  readonly starling: string
}

export interface BackupManifest extends BackupOrigin {
  /** ISO 8601: the moment of the snapshot. */
  readonly createdAt: string
  readonly schema: number
  readonly messages: number
  readonly dataBytes: number
  readonly records: number
  /** Size of `messages.records`. */
  readonly recordsBytes: number
  /** SHA-256 of that file, hex. */
  readonly recordsSha256: string
}

/** Makes the folder a backup: with this file on the disk, all of it is there. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const document = { format: FORMAT, version: FORMAT_VERSION, ...manifest }
  await using file = await open(join(folder, MANIFEST_FILE), 'wx', 0o600)
  await file.writeFile(`${JSON.stringify(document, null, 2)}\n`)
  await file.sync()
  await syncFolder(folder)
}

/** @throws {BackupError} BACKUP_MISSING, BACKUP_DAMAGED, BACKUP_TOO_NEW */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const document = await readDocument(folder)
  const version = document['version']
  if (document['format'] !== FORMAT || !isWhole(version)) throw damaged(folder)
  if (version > FORMAT_VERSION) throw tooNew(`format version ${version}`, FORMAT_VERSION)
  const manifest = manifestOf(document)
  if (manifest === undefined) throw damaged(folder)
  if (manifest.schema > SCHEMA_VERSION) throw tooNew(`schema version ${manifest.schema}`, SCHEMA_VERSION)
  return manifest
}

async function readDocument(folder: string): Promise<JsonObject> {
  const bytes = await readFile(join(folder, MANIFEST_FILE)).catch((cause: unknown) => {
    const message = `${folder} holds no finished backup: it has no ${MANIFEST_FILE} that can be read. Give the folder that starling backup --to made`
    throw new BackupError('BACKUP_MISSING', message, { details: { folder }, cause })
  })
  try {
    const document = bytes.length > MANIFEST_MAX_BYTES ? null : parseJson(bytes)
    if (isJsonObject(document)) return document
  } catch {}
  throw damaged(folder)
}

function manifestOf(document: JsonObject): BackupManifest | undefined {
  const text = (name: string, form: RegExp) => {
    const value = document[name]
    return typeof value === 'string' && form.test(value) ? value : undefined
  }
  const count = (name: string) => {
    const value = document[name]
    return isWhole(value) && value >= 0 ? value : undefined
  }
  const fields = {
    network: text('network', /^[0-9a-f]{64}$/),
    node: text('node', /^[0-9a-f]{64}$/),
    starling: text('starling', /^[\w.+-]{1,64}$/),
    createdAt: text('createdAt', /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/),
    schema: count('schema'),
    messages: count('messages'),
    dataBytes: count('dataBytes'),
    records: count('records'),
    recordsBytes: count('recordsBytes'),
    recordsSha256: text('recordsSha256', /^[0-9a-f]{64}$/),
  }
  return isComplete(fields) ? fields : undefined
}

function isComplete(
  fields: { [Name in keyof BackupManifest]: BackupManifest[Name] | undefined },
): fields is BackupManifest {
  return Object.values(fields).every((value) => value !== undefined)
}

function damaged(folder: string): BackupError {
  const message = `The ${MANIFEST_FILE} in ${folder} is no manifest of a backup, or was changed. Take another copy of the backup`
  return new BackupError('BACKUP_DAMAGED', message, { details: { folder } })
}

function tooNew(what: string, known: number): BackupError {
  const message =
    `The backup has ${what}, and this version of Starling knows up to ${known}. ` +
    'Restore it with the newer Starling that made it, or start empty: the swarm brings the messages back.'
  return new BackupError('BACKUP_TOO_NEW', message, { details: { known } })
}
