import { hostname } from 'node:os'
import { join, type Membership } from '../cluster/membership.ts'
import { preflight } from '../cluster/preflight/preflight.ts'
import { connectLink } from '../cluster/redis/link.ts'
import {
  createCoordinator,
  guardFor,
  hintChannel,
  prefixOf,
  readRecords,
} from '../cluster/scripts/scripts.ts'
import { type KeptSession, readSession, writeSession } from '../cluster/session-file.ts'
import { candidates, shardOf, shardsOf } from '../cluster/shards.ts'
import { clusterEntry } from '../cluster/story.ts'
import type { ClusterPlan, ClusterView, MemberInfo } from '../core/cluster.ts'
import type { WatchmanEvent } from '../core/observer.ts'
import type { Plan } from '../core/plan.ts'
import type { Store } from '../core/store.ts'
import type { Resolving } from '../engine/round.ts'
import { systemClock as clock } from '../engine/system-clock.ts'
import { type JournaledStore, journaledStore } from '../store/journaled.ts'
import { redisStore } from '../store/redis.ts'
import { ownStore } from './alone.ts'
import { CannotJoin } from './cannot-join.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { createDuty } from './duty.ts'
import { watchLeadership } from './leaderless.ts'
import { plansOf } from './reload.ts'
import { serving } from './serving.ts'
import { shiftOf } from './shift.ts'
import { createStandIn } from './stand-in.ts'

/** How long work that was begun may take to end when this node leaves, in milliseconds. */
const drainTimeout = 10_000
/** How often the journal learns what other nodes have written, and while it holds alarms that may have been sent. */
const [refreshEvery, refreshSoon] = [30_000, 5000]
/** How often the cluster is watched over. */
const watchEvery = 10_000

/** The daemon of a node that is one of many. */
export async function runInCluster(
  plan: Plan,
  cluster: ClusterPlan,
  resolving: Resolving,
  ports: DaemonPorts,
): Promise<void> {
  const { timing } = cluster
  const patience = timing.beat * 0.9
  const linkOf = (name: 'control' | 'store' | 'hints', commandTimeout: number) =>
    connectLink(cluster.redis, {
      name,
      commandTimeout,
      connectTimeout: Math.min(1000, timing.valid / 2),
      slotKey: prefixOf(cluster.name),
    })

  await using stack = new AsyncDisposableStack()
  const journal = stack.use(ownStore(plan))
  const began = clock.elapsed()
  const { faults, warnings } = await preflight(cluster)
  const wasSilent = clock.elapsed() - began > timing.valid
  for (const warning of warnings) ports.warned(warning)
  if (faults.length > 0) throw new CannotJoin(faults)

  const control = stack.use(linkOf('control', patience))
  // What is under way when a session lapses has failed before Redis counts as lost.
  const bulk = stack.use(linkOf('store', timing.lease - timing.valid))
  const coordinator = stack.use(
    createCoordinator(control, {
      cluster: cluster.name,
      timing,
      server: () => control.server(),
      minReplicas: cluster.minReplicas,
    }),
  )
  let member: Membership | null = null
  const seen = () => member?.outlook() ?? null
  const view = (): ClusterView => member?.view() ?? nothingYet(plan, cluster)
  const shared = redisStore(bulk, {
    prefix: prefixOf(cluster.name),
    guard: guardFor(cluster.name, () => ({
      key: seen()?.key ?? '',
      session: seen()?.session ?? 0,
      generation: seen()?.generation ?? '',
      server: bulk.server(),
    })),
    fence: () => ({ epoch: seen()?.session ?? 0, seat: 'node' }),
  })
  const store = journaledStore(shared, journal)

  const rounds = { told: 0, overran: 0 }
  const observe = (event: WatchmanEvent) => {
    if (event.type === 'round-ended') rounds.told++
    if (event.type === 'round-overran') rounds.overran++
    if (event.type === 'beat-failed') {
      standIn.suspect()
      // Others may have stood in meanwhile: what they know has to be there before this node tells anything.
      if (view().mode === 'starting') duty.mustReplay()
    }
    const outlook = event.type === 'beat' ? seen() : null
    if (outlook?.mode === 'member') standIn.relax(outlook)
    // The leader sends what others raise: it looks when it is told to, and by itself now and then.
    if (event.type === 'round-ended' && event.transitions.length > 0 && member?.holds('leader') === false)
      void bulk.call('PUBLISH', hintChannel(cluster.name), 'alarms').catch(() => {})
    served.observe(event)
  }
  const standIn = stack.use(
    createStandIn(plan, cluster, { journal, shared, link: bulk, view, outlook: seen, observe }),
  )
  const served = stack.use(await serving(plan, store, { ...ports, view, peers: standIn.peers }))

  const infoOf = (of: Plan): string =>
    JSON.stringify({
      name: of.node,
      address: addressOf(of, cluster, served.http),
      roles: of.roles,
      version: ports.version,
      config: of.hash,
      host: hostname(),
      pid: process.pid,
    } satisfies MemberInfo)

  const file = plan.store.file === null ? null : `${plan.store.file}.session`
  const kept = file === null ? null : readSession(file)
  let session: KeptSession | null = null
  let isBehind = kept?.isBehind ?? false
  const remember = () => {
    if (session !== null && file !== null) writeSession(file, { ...session, isBehind })
  }
  const duty = createDuty(store, resolving, timing.beat, (is) => {
    isBehind = is
    remember()
  })
  // It was killed before it had caught up, or others may have stood in while Redis did not answer.
  if (isBehind || wasSilent) duty.mustReplay()
  const membership = join(
    cluster.name,
    kept === null ? { floor: 0 } : { floor: kept.floor, leftover: kept.key, generation: kept.generation },
    {
      clock,
      coordinator,
      observe,
      reset: () => control.reset(),
      settings: {
        name: plan.node,
        timing,
        info: infoOf(plan),
        shardsOf: (active, self) => shardsOf(active, self, cluster.shards),
        candidates,
        newKey: () => `${plan.node}@${crypto.randomUUID().slice(0, 8)}`,
        random: Math.random,
      },
      work: (term) => duty.work(term),
      save: (now) => {
        session = now
        remember()
      },
      lost: (outlook) => {
        duty.mustReplay()
        duty.hold()
        void store.assume().catch((error) => ports.failed('journal', error))
        standIn.begin(outlook)
      },
      back: () => void standIn.end().finally(() => duty.release()),
      emptied: () => duty.mustReplay(),
      rounds: () => rounds,
    },
  )
  member = membership
  stack.use(
    control.subscribe(hintChannel(cluster.name), (message) => {
      if (message === 'alarms') duty.wake()
      else if (message.startsWith('resign') && membership.holds('leader')) membership.resign()
      else membership.hint()
    }),
  )
  let owners: Readonly<Record<string, string>> = {}
  const refreshing = keepFresh(store, journal, plan.store.retention, view, ports.signal)
  ports.started(served.http)

  for await (const [current, until] of plansOf(plan, ports, served)) {
    membership.inform(infoOf(current))
    const watch = clusterEntry({
      view,
      async records() {
        const records = await readRecords(bulk, cluster.name, cluster.forgetAfter)
        owners = records.owners
        return records
      },
      entries: () => store.entries(),
      plan: current,
      timing,
      every: watchEvery,
      ownerOf: (name) => owners[`shard:${shardOf(name, cluster.shards)}`] ?? null,
    })
    const shift = shiftOf(current, cluster, until, {
      store,
      observe,
      view,
      mayCure: () => membership.mayCure(),
      watch,
    })
    standIn.use(current, watch)
    const leading = watchLeadership(
      {
        ...{ plan: current, cluster, watch, journal, observe, view },
        replay: () => store.replay(store.fence),
      },
      until,
    )
    await duty.serve(shift)
    await leading
  }
  await membership.leave(drainTimeout)
  await refreshing
}

/** What a node knows before it has begun to join. */
function nothingYet({ node }: Plan, { name }: ClusterPlan): ClusterView {
  return {
    cluster: name,
    self: node,
    mode: 'starting',
    members: [],
    leader: null,
    seats: [],
    lastBeatAge: null,
    quarantine: 0,
    fault: null,
  }
}

/** Where peers reach this node: as configured, or by its host name, unless it listens to itself only. */
function addressOf(
  { http }: Plan,
  { advertise }: ClusterPlan,
  listening: { readonly port: number } | null,
): string | null {
  if (http === null || listening === null) return null
  if (advertise !== null) return advertise
  const isOwn = http.host === 'localhost' || http.host.startsWith('127.') || http.host === '::1'
  const isAny = http.host === '0.0.0.0' || http.host === '::'
  if (isOwn) return `${http.host}:${listening.port}`
  return `${isAny ? hostname() : http.host}:${listening.port}`
}

/** Keeps the journal up to date while Redis serves, so that a stand-in sends little again. */
async function keepFresh(
  store: JournaledStore,
  journal: Store,
  retention: number,
  view: () => ClusterView,
  signal: AbortSignal,
): Promise<void> {
  let last = clock.elapsed()
  while (!signal.aborted) {
    await clock.sleep(refreshSoon, signal).catch(() => {})
    if (signal.aborted || view().mode !== 'member') continue
    const waits = (await journal.backlog(Number.POSITIVE_INFINITY)).some(({ pending }) => pending > 0)
    if (!waits && clock.elapsed() - last < refreshEvery) continue
    last = clock.elapsed()
    // What cannot be read now is read the next time.
    await store.refresh(clock.now() - retention).catch(() => {})
  }
}
