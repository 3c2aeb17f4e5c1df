/** Each part of the status document is asked by itself. */
export const SECTION_NAMES = [
  'serving',
  'node',
  'stake',
  'swarm',
  'network',
  'chain',
  'rewards',
  'storage',
  'traffic',
  'nodeTests',
] as const

export type SectionName = (typeof SECTION_NAMES)[number]

/** What people call them. */
export const SECTION_WORDS: Readonly<Record<SectionName, string>> = {
  serving: 'Serving',
  node: 'Node',
  stake: 'Stake',
  swarm: 'Swarm',
  network: 'Network',
  chain: 'Chain',
  rewards: 'Rewards',
  storage: 'Storage',
  traffic: 'Traffic',
  nodeTests: 'Node tests',
}

/** `critical`: clients are not served, or the stake is at risk. `warning`: to be seen to. `notice`: to be known. */
export type Severity = 'critical' | 'warning' | 'notice'

export interface ProblemKind {
  readonly section: SectionName
  readonly severity: Severity
  /** For docs/status.md: when it is told. */
  readonly meaning: string
  /** What to type next, unless the facts tell something better. */
  readonly next: string
}

const critical = (section: SectionName, meaning: string, next: string): ProblemKind => ({
  ...{ section, severity: 'critical', meaning, next },
})
const warning = (section: SectionName, meaning: string, next: string): ProblemKind => ({
  ...{ section, severity: 'warning', meaning, next },
})
const notice = (section: SectionName, meaning: string, next: string): ProblemKind => ({
  ...{ section, severity: 'notice', meaning, next },
})

const DOCTOR = 'starling doctor'
const STAKE_STATUS = 'starling stake status'
const LOG = 'journalctl -u starling -p warning --since -1h'

/** Everything that can be wrong with a node as `starling status` tells it. Codes are for scripts: they keep their meaning. */
export const PROBLEM_KINDS = {
  NODE_NOT_RUNNING: critical(
    'node',
    'No service node of this user runs with this data folder',
    'systemctl start starling',
  ),
  // A restart helps only where /livez fails, and then systemd makes it.
  NODE_SILENT: critical('node', 'The node runs and does not answer in time', 'systemctl status starling'),
  NODE_ANSWER_UNKNOWN: critical(
    'node',
    'The running node answers something that this program cannot read: the two are of different versions',
    'systemctl restart starling',
  ),
  CONFIG_INVALID: critical(
    'node',
    'The configuration cannot be read, or a value of it is wrong',
    'starling config validate',
  ),
  CONFIG_REFUSED: warning(
    'node',
    'A changed configuration was refused when the node was told to read it again, so that it goes on with the one before',
    'starling config validate',
  ),
  CONFIG_PENDING: notice(
    'node',
    'The configuration has changed in what counts from the next start on',
    'systemctl restart starling',
  ),
  KEYS_UNUSABLE: critical(
    'node',
    "The node's keys are missing, malformed, or readable by others",
    'starling keys show',
  ),
  DATA_FOLDER_UNUSABLE: critical('node', 'The data folder is missing, not writable, or open to other users', DOCTOR),
  SECTION_SILENT: warning('node', 'A part of the node did not tell how it is in time', DOCTOR),
  SECTION_FAILED: warning('node', 'A part of the node failed when it was asked how it is', LOG),

  NODE_STARTING: notice('node', 'The node starts', 'starling status'),
  NODE_STOPPING: notice('node', 'The node stops: it finishes what it has begun', 'starling status'),
  NODE_OVERLOADED: warning('node', 'The event loop runs late, so new requests are refused', 'starling top'),
  NODE_RESTARTS: warning('node', 'The node was started four times or more within the last hour', LOG),
  RUN_BROKE_OFF: notice('node', 'The run before this one was killed or crashed, or ended because of a failure', LOG),
  LOG_ERRORS: warning('node', 'Errors were logged within the last hour', LOG),
  VERSION_BEHIND: warning('network', 'More than half of the members run a newer version', DOCTOR),

  LIST_UNREAD: critical('chain', 'No service node list has been read from the chain yet', DOCTOR),
  STAKE_NOT_REGISTERED: critical(
    'stake',
    'This service node is not registered in the contract',
    'starling stake register',
  ),
  STAKE_PENDING: notice('stake', 'The registration is on the chain and waits to become final', STAKE_STATUS),
  STAKE_NOT_COUNTED: notice('stake', 'The stake is final and counts from the next epoch on', STAKE_STATUS),
  STAKE_LEAVING: notice('stake', 'An exit was asked for; the network signs it from a date on', STAKE_STATUS),
  STAKE_LIQUIDATABLE: critical(
    'stake',
    'An exit was asked for, and from now on anybody can have this node liquidated, which costs a part of the stake',
    'starling stake unstake',
  ),
  STAKE_GONE: critical('stake', 'This service node was registered and has left', 'starling stake unstake'),
  STAKE_KEY_MISMATCH: critical('stake', 'One of the keys is registered without the other', 'starling keys show'),
  STAKE_UNREADABLE: critical(
    'stake',
    'The stake cannot be read from the chain, and the list does not have this node',
    DOCTOR,
  ),

  SWARM_NONE: critical('swarm', 'This node is a member and in no swarm', 'starling swarm'),
  CONTENTS_FETCHING: warning(
    'swarm',
    'Nothing of the accounts of this node is here yet: it fetches their messages, and serves then',
    'starling swarm',
  ),
  CONTENTS_JOINING: notice(
    'swarm',
    'Some accounts are new to this node, and their messages are being fetched',
    'starling swarm',
  ),
  CONTENTS_INCOMPLETE: warning(
    'swarm',
    'Messages of new accounts could not be fetched from any member',
    'starling peers',
  ),
  SWARM_SILENT: warning('swarm', 'More than half of the other members of the swarm do not answer', 'starling peers'),

  PEERS_UNKNOWN: critical('network', 'No other service node is known', DOCTOR),
  OWN_RECORD_ELSEWHERE: critical(
    'network',
    'The newest record of this node names another place: a second node runs with the same key, or publicIp was changed',
    DOCTOR,
  ),

  CHAIN_UNREACHABLE: warning('chain', 'The chain cannot be followed; the list stays as it is', DOCTOR),
  CHAIN_FROZEN: warning('chain', 'Nothing becomes final on the chain', DOCTOR),
  PROVIDER_ALONE: warning('chain', 'One RPC provider alone says who is a service node', 'starling config show'),
  PROVIDER_SPARE_FAULTY: warning('chain', 'An RPC provider that stands by has a fault', DOCTOR),
  PROVIDERS_ON_BACKUP: warning('chain', 'The node relies on backup RPC providers', DOCTOR),
  PROVIDERS_TOO_FEW: warning('chain', 'Too few RPC providers are left to agree with each other', DOCTOR),
  CONTRACT_CHANGED: critical('chain', 'The staking contract runs other code than was accepted', 'starling config show'),
  REWARDS_TROUBLE: warning('rewards', 'The ledger of rewards is behind, or differs from that of most members', LOG),

  STORAGE_NOT_WRITABLE: critical('storage', 'Messages cannot be written', DOCTOR),
  STORAGE_ROOM_SHORT: warning('storage', 'Room for messages runs out, or has', DOCTOR),

  HTTPS_UNREACHABLE: critical('nodeTests', "Most testers cannot reach this node's port for clients", DOCTOR),
  LIBP2P_UNREACHABLE: critical('nodeTests', "Most testers cannot reach this node's port for service nodes", DOCTOR),
  PROOFS_FAILING: warning('nodeTests', 'Most testers find that messages are missing here', 'starling swarm'),
  NODE_IN_DOUBT: warning('nodeTests', 'This node cannot reach most of those that it tests: it may be cut off', DOCTOR),
  CLOCK_WRONG: critical('nodeTests', 'The clock is so wrong that clients are refused', 'timedatectl set-ntp true'),
  CLOCK_OFF: warning('nodeTests', 'The clock is off', 'timedatectl set-ntp true'),
} as const satisfies Readonly<Record<string, ProblemKind>>

export type ProblemCode = keyof typeof PROBLEM_KINDS
