import { join } from 'node:path'
import { type Clock, SECOND, systemClock, type TimestampMs } from '../base/clock.ts'
import type { CodedError } from '../base/coded-error.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { createMetricsRegistry } from '../base/metrics.ts'
import { createNetworkMetrics } from '../network/metrics.ts'
import { createPeerNetwork } from '../network/peer-network.ts'
import { createOnionRelayMetrics } from '../onion-relay/metrics.ts'
import { defaultReplayGuardOptions } from '../onion-relay/options.ts'
import { createOnionRelay } from '../onion-relay/relay.ts'
import { openReplayGuard } from '../onion-relay/replay-guard.ts'
import type { PeerTests } from '../peer-tests/peer-tests.ts'
import { networkIdOf } from '../protocol/network-id.ts'
import type { ServiceNodeKey } from '../protocol/service-node.ts'
import { startHttpsServer } from '../rpc/https-server.ts'
import { createRpcMetrics } from '../rpc/metrics.ts'
import { createRpcHandler } from '../rpc/rpc-handler.ts'
import { createMembershipFollower } from '../staking/membership-follower.ts'
import { createStakingMetrics } from '../staking/metrics.ts'
import { createOwnStake } from '../staking/own-stake.ts'
import { createChainProviders } from '../staking/providers.ts'
import type { RewardsLedger } from '../staking/rewards/snapshot.ts'
import { openMessageStore } from '../storage/level-message-store.ts'
import { createStorageMetrics } from '../storage/metrics.ts'
import { SCHEMA_VERSION } from '../storage/schema-version.ts'
import { createSwarmMembership } from '../swarm/membership.ts'
import { createSwarmMetrics } from '../swarm/metrics.ts'
import { createAdminRoutes } from './admin-routes.ts'
import { ADMIN_SOCKET_FILE, type AdminHandler, startAdminSocket } from './admin-socket.ts'
import { NotedBackups } from './backup-record.ts'
import { createBackups } from './backups.ts'
import { createDataFolder } from './data-folder.ts'
import type { Health, HealthReason } from './health.ts'
import { loadIdentity } from './identity.ts'
import { defaultLivenessOptions, type Liveness, watchLiveness } from './liveness.ts'
import { createLogMetrics } from './log-metrics.ts'
import { createLogRoutes } from './log-routes.ts'
import { tallyLog } from './log-tally.ts'
import type { NodeLog } from './logger.ts'
import { followEpochs } from './membership.ts'
import { createMemoryFit, fitToMemory, memoryLimitBytes } from './memory-fit.ts'
import { createNodeMetrics, exposeHealth } from './metrics.ts'
import { startMetricsServer } from './metrics-server.ts'
import { createNodeStatus } from './node-status.ts'
import type { ServiceNodeOptions } from './options.ts'
import { defaultOverloadOptions, measureLoopDelay, Overload, watchOverload } from './overload.ts'
import { createOwnRecordFacts } from './own-record-facts.ts'
import { createNodePeerTests } from './peer-tests.ts'
import { createProcessMetrics, watchProcess } from './process-metrics.ts'
import { createReadiness, type Phase } from './readiness.ts'
import { Reload } from './reload.ts'
import { createNodeReplication } from './replication.ts'
import { createNodeRewards, recordedRewards } from './rewards.ts'
import { openRunHistory } from './run-history.ts'
import { createNodeSignatures } from './signatures.ts'
import { createStartingRoutes, startingStatus } from './starting-status.ts'
import type { ServiceNodeStatus } from './status.ts'
import { createStatusPage, type StatusPageSources } from './status-page/page-server.ts'
import { readSwarmPicture } from './status-page/swarm-picture.ts'
import { createStatusReporter } from './status-reporter.ts'
import { watchStorage } from './storage-failure.ts'
import { superviseNode } from './supervision.ts'
import type { SupervisorNotice } from './supervisor-notice.ts'
import { createTrafficHistory, defaultTrafficHistoryOptions } from './traffic-history.ts'
import { VERSION, VERSION_TEXT } from './version.ts'

export interface ServiceNodeComponents {
  log: Logger
  /** What is behind `log`: its lines are counted, and the operator may change its levels. */
  nodeLog?: NodeLog
  /** What started this process, if it wants to be told how the node is. */
  notice?: SupervisorNotice | undefined
  clock?: Clock
}

export interface ServiceNode extends AsyncDisposable {
  readonly key: ServiceNodeKey
  /** The ports that it listens on, as the system gave them. */
  readonly ports: { readonly https: number; readonly metrics: number }
  status(): ServiceNodeStatus
  /** Settles when the node cannot go on and should be started anew: its message database could not be written. */
  readonly failed: Promise<CodedError<string>>
  /** Gives it other options while it runs, as far as that goes. */
  readonly reload: Reload
}

/** What `/readyz` says until there are parts to ask. */
function startingReason(step: string): HealthReason {
  return { part: 'life-cycle', reason: startingText(step) }
}

function startingText(step: string): string {
  return `Starting: ${step}`
}

/**
 * Builds and starts a service node. Read it top down: each part is made from the parts above it and is stopped before
 * them. If one fails to start, those already started are stopped. A node without a stake starts too, waits, and says so.
 */
export async function createServiceNode(
  { log: untallied, nodeLog, notice, clock = systemClock }: ServiceNodeComponents,
  options: ServiceNodeOptions,
): Promise<ServiceNode> {
  await using parts = new AsyncDisposableStack()
  let phase: Phase = 'starting'
  let step = 'its databases are opened'
  const tally = tallyLog(untallied, clock)
  const { log } = tally

  const identity = await loadIdentity(options.keysFolder)
  const self = identity.key
  const networkId = networkIdOf(options.staking.chainId, options.staking.contract)
  log.info({ version: VERSION_TEXT, key: self, network: networkId.slice(0, 8) }, 'Starling starts')
  await createDataFolder(options.dataFolder)
  const folder = (name: string) => join(options.dataFolder, name)
  const registry = createMetricsRegistry()
  nodeLog?.countIn(createLogMetrics(registry))
  // Up first and down last, so that a start that waits for the chain is not taken for a process that hangs.
  let probed: Health | undefined
  let liveness: Liveness | undefined
  const probes = {
    phase: () => phase,
    dead: () => liveness?.reasons() ?? [],
    reasons: () => probed?.reasons() ?? [startingReason(step)],
    degraded: () => probed?.degraded() ?? [],
  }
  const nodeMetrics = createNodeMetrics(registry)
  const processMetrics = createProcessMetrics(registry)
  nodeMetrics.build.set(1, { version: VERSION_TEXT, runtime: process.version })
  parts.use(watchProcess(processMetrics, registry))
  parts.use(exposeHealth(nodeMetrics, registry, probes))
  let shown: StatusPageSources | undefined
  const starting = () => startingStatus(clock.nowMs(), startingText(step))
  const page = createStatusPage({ sources: () => shown, starting, clock, log })
  const served = { metrics: registry, health: probes, page, log }
  const metricsServer = parts.use(await startMetricsServer(served, options.metrics))
  const supervision = notice && parts.use(superviseNode({ notice, probes }))

  // Other members tell what time it is; they are asked when everything else stands.
  let tests: PeerTests | undefined
  const messages = parts.use(
    await openMessageStore(
      {
        log: log.part('storage'),
        clock,
        metrics: createStorageMetrics(registry),
        clockAheadMs: () => tests?.clockAheadMs(),
      },
      { ...options.storage, path: folder('messages') },
    ),
  )

  liveness = parts.use(watchLiveness({ clock, read: () => messages.marks.read('liveness') }, defaultLivenessOptions))
  // From here on the folder is this process's alone.
  const program = { starling: VERSION_TEXT, schema: SCHEMA_VERSION }
  const runs = parts.use(await openRunHistory({ clock, log }, { folder: options.dataFolder, ...program }))
  const adminLog = log.part('admin')
  let adminRoutes: AdminHandler = createStartingRoutes(starting)
  const admin = parts.use(
    await startAdminSocket(
      { log: adminLog, handle: (request, signal) => adminRoutes(request, signal) },
      { path: folder(ADMIN_SOCKET_FILE) },
    ),
  )

  const relayParts = { log: log.part('onion-relay'), clock, metrics: createOnionRelayMetrics(registry) }
  const replays = parts.use(
    await openReplayGuard(relayParts, { ...defaultReplayGuardOptions, folder: folder('replays') }),
  )

  const swarmParts = { log: log.part('swarm'), metrics: createSwarmMetrics(registry) }
  const swarm = createSwarmMembership({ ...swarmParts, self, networkId }, options.swarm)

  // Records tell of the rewards, which are computed from the chain, which is followed further below.
  let rewards: RewardsLedger | undefined
  const peers = parts.use(
    await createPeerNetwork(
      {
        identity: identity.ed25519,
        network: networkId,
        membership: swarm,
        ownRecord: createOwnRecordFacts(
          { identity, swarm, version: VERSION, rewards: () => recordedRewards(rewards) },
          options,
        ),
        clock,
        log,
        metrics: createNetworkMetrics(registry),
      },
      { ...options.network, dataFolder: folder('network') },
    ),
  )

  step = 'its RPC providers are asked for the staking contract'
  const stakingOptions = { ...options.staking, stateFolder: folder('staking') }
  const stakingParts = { log: log.part('staking'), clock, metrics: createStakingMetrics(registry) }
  const providers = createChainProviders(stakingParts, stakingOptions)
  const chain = parts.use(await createMembershipFollower({ ...stakingParts, providers }, stakingOptions))
  parts.use(followEpochs({ chain, swarm, peers, self }))
  const stake = parts.use(
    await createOwnStake({ ...stakingParts, providers }, { ...stakingOptions, key: self, bls: identity.bls }),
  )

  rewards = await createNodeRewards({ ...stakingParts, register: registry, providers, peers, self }, stakingOptions)
  parts.use(rewards)

  const delay = measureLoopDelay(clock, (delayMs) => processMetrics.loopDelay.observe(delayMs / SECOND))
  step = 'its ports are opened'
  const overloadParts = { log, metrics: nodeMetrics, delay }
  const overload = new Overload(overloadParts, defaultOverloadOptions)
  parts.use(watchOverload(overload, overloadParts, defaultOverloadOptions))
  const isOverloaded = () => overload.isOverloaded
  const replication = parts.use(
    createNodeReplication(
      { ...swarmParts, self, peers, membership: swarm, messages, clock, isOverloaded },
      options.swarm,
    ),
  )

  const joining = { status: () => replication.status()?.joining }
  const testsParts = { log, register: registry, clock, identity, network: networkId, peers, swarm, joining }
  tests = parts.use(
    createNodePeerTests(
      { ...testsParts, contents: messages.contents, newestBlockMs: () => chain.newestBlockMs() },
      options.peerTests,
    ),
  )
  const readinessParts = { identity, swarm, chain, stake, messages, joining, peers, tests, rewards, phase: () => phase }
  const health = createReadiness(readinessParts)
  probed = health
  // On its way out, the node still finishes what it has begun; and accounts that it does not have yet it takes writes of.
  const obstacles = () => health.reasons().filter(({ part }) => part !== 'life-cycle' && part !== 'contents')
  // What the disk said, with its paths, is for the operator and not for strangers.
  const readiness = () =>
    obstacles().map(({ part, reason }) => (part === 'storage' ? 'Messages cannot be written' : reason))

  const signatures = parts.use(
    createNodeSignatures(
      { log: stakingParts.log, clock, register: registry, identity, peers, chain, providers, ledger: rewards },
      options.staking,
    ),
  )

  const info = { version: VERSION }
  const rpcParts = { log: log.part('rpc'), clock, metrics: createRpcMetrics(registry), identity, info }
  const signReward = (request: Uint8Array) => signatures.signer.handleReward(request)
  const memoryBytes = memoryLimitBytes()
  const fitted = createMemoryFit({ log }, memoryBytes)
  const rpcOptions = { ...fitted(options.rpc), certificateFolder: folder('https') }
  const rpc = createRpcHandler(
    {
      ...rpcParts,
      messages,
      revocations: messages.revocations,
      swarm,
      contacts: { contact: peers.contact, isReachable: tests.isReachable },
      replication,
      isComplete: replication.isComplete,
      readiness,
      signReward,
    },
    rpcOptions,
  )

  const onion = createOnionRelay(
    { ...relayParts, identity, ownAddresses: [options.publicIp], membership: swarm, peers, rpc, replays, readiness },
    options.onionRelay,
  )

  peers.handle('forward', (from, payload, signal) => rpc.handleForwarded(from, payload, signal))
  // What a member passes on is stored elsewhere already, so it is never shed.
  peers.handle(
    'onion',
    overload.shed((from, payload, signal) => onion.handleHop(from, payload, signal)),
  )
  peers.handle('contents', replication.handle)
  peers.handle('probe', tests.handle)
  peers.handle('sign', (from, payload) => signatures.signer.handle(from, payload))
  await replication.start(rpc)
  await peers.start()
  const https = parts.use(await startHttpsServer({ ...rpcParts, rpc, onion, overload }, rpcOptions))

  const checkProviders = (rpcUrls: readonly string[], signal: AbortSignal) =>
    createChainProviders({ ...stakingParts, log: silentLogger }, { ...stakingOptions, rpcUrls }).refuseWrongChain(
      signal,
    )
  const limits = { setLimits: (rpc: ServiceNodeOptions['rpc']) => https.setLimits(fitted(rpc)) }
  const reload = new Reload({ levels: nodeLog?.levels, https: limits, peers, providers, checkProviders }, options)
  health.registerDegraded('configuration', () => reload.trouble())
  health.registerDegraded('restart', () => reload.notice())

  const status = (): ServiceNodeStatus => ({
    key: self,
    notReady: health.reasons(),
    degraded: health.degraded(),
    stake: stake.state(),
    membership: chain.status(),
    network: peers.status(),
    swarm: { id: swarm.ownSwarm()?.id.toString(16), members: swarm.ownSwarm()?.members.length ?? 0 },
    rewards: rewards?.status(),
    storage: messages.statistics(),
    replication: replication.status(),
    peerTests: tests.status(),
  })
  const origin = { network: networkId, node: self, starling: VERSION_TEXT }
  const noted = await NotedBackups.open({ log: log.part('storage') }, options.dataFolder)
  const onMade = (atMs: TimestampMs) => noted.made(atMs)
  const backups = parts.use(createBackups({ log: log.part('storage'), messages, origin, onMade }))
  noted.follow(backups)
  const logRoutes = nodeLog && createLogRoutes({ log: adminLog, levels: nodeLog.levels })
  const ports = { https: https.port, metrics: metricsServer.port }
  const running = { self, network: networkId, clock, registry, log: tally, runs, overload, ports, phase: () => phase }
  const statusParts = { ...running, health, stake, swarm, replication, peers, chain, rewards, messages, tests }
  const currentOptions = () => {
    const configured = reload.current(options)
    return { configured, effective: { ...configured, rpc: fitToMemory(configured.rpc, memoryBytes) } }
  }
  const told = createNodeStatus({ ...statusParts, backups: noted, statusLog: adminLog, currentOptions }, options)
  const history = parts.use(createTrafficHistory({ status: told.status, clock, log }, defaultTrafficHistoryOptions))
  shown = { status: told.status, swarm: () => readSwarmPicture(statusParts), history }
  adminRoutes = createAdminRoutes({ told, history, signatures: signatures.source, rewards, backups, logRoutes })
  // Open before the parts that it now asks, it must be closed before them all the same.
  parts.defer(() => admin[Symbol.asyncDispose]())
  const failure = parts.use(watchStorage({ log: log.part('storage'), messages }))
  failure.happened.then(({ code }) => runs.endsBecause(code))
  phase = 'running'
  supervision?.look()
  runs.endsBecause('stopped')
  tests.start()
  parts.use(createStatusReporter({ log, status }, options))

  const started = parts.move()
  return {
    key: self,
    ports,
    status,
    failed: failure.happened,
    reload,
    async [Symbol.asyncDispose]() {
      phase = 'stopping'
      supervision?.look()
      await started.disposeAsync()
    },
  }
}
