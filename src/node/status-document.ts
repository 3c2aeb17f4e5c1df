import { type NodeStatus, STATUS_VERSION } from './status.ts'
import { PEERS_VERSION, type PeersDocument } from './status-peers.ts'
import { SECTION_NAMES } from './status-problem-kinds.ts'
import { SETTINGS_VERSION, type SettingsDocument, type SettingsText } from './status-settings.ts'
import { SWARM_VERSION, type SwarmDocument } from './status-swarm.ts'

// Whether what a running node answered is what this program takes it for. It is the same program, so its version is looked at, and what
// would break whoever reads it.

export function isNodeStatus(value: unknown): value is NodeStatus {
  if (!isObject(value) || value['version'] !== STATUS_VERSION) return false
  const { sections, problems } = value
  if (!isObject(sections) || !Array.isArray(problems)) return false
  return SECTION_NAMES.every((name) => isObject(sections[name])) && problems.every(isObject)
}

export function isPeersDocument(value: unknown): value is PeersDocument {
  if (!isObject(value) || value['version'] !== PEERS_VERSION) return false
  return Array.isArray(value['peers']) && value['peers'].every(isObject)
}

export function isSwarmDocument(value: unknown): value is SwarmDocument {
  if (!isObject(value) || value['version'] !== SWARM_VERSION) return false
  return isObject(value['swarm']) && Array.isArray(value['members']) && value['members'].every(isObject)
}

export function isSettingsDocument(value: unknown): value is SettingsDocument {
  if (!isObject(value) || value['version'] !== SETTINGS_VERSION) return false
  return isSettingsText(value['settings']) && isSettingsText(value['lowered'] ?? {})
}

function isSettingsText(value: unknown): value is SettingsText {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
