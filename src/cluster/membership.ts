import type { Clock } from '../core/clock.ts'
import type { ClusterView, Seat } from '../core/cluster.ts'
import type { ClusterEvent } from '../core/observer.ts'
import { CoordinatorLost } from '../core/redis-link.ts'
import type { Fence } from '../core/store.ts'
import { holds, mayCure, outlook, startNode, step } from './node/node.ts'
import type { Instant, NodeCommand, NodeEvent, NodeOutlook, NodeSettings } from './node/types.ts'
import type { Coordinator } from './protocol.ts'
import { createPulse, type Pulse } from './pulse.ts'

/** One spell of holding a seat. */
export interface SeatTerm extends Fence {
  readonly seat: Seat
  /** Ends with the spell: whatever is under way ends at once. */
  readonly signal: AbortSignal
  /** Aborts earlier, where the seat is handed over in peace: nothing new begins. */
  readonly until: AbortSignal
  /** By the clock, not by a timer. */
  isOver(): boolean
}

export interface MembershipPorts {
  readonly clock: Clock
  readonly settings: NodeSettings
  readonly coordinator: Coordinator
  /** Drops the connection to the coordinator. */
  readonly reset: () => void
  readonly observe: (event: ClusterEvent) => void
  /** Does the work of a seat; resolves when all of it has ended. */
  readonly work: (term: SeatTerm) => Promise<void>
  /** Remembers on disk what must survive a crash of this process. */
  readonly save: (kept: { readonly key: string; readonly floor: number; readonly generation: string }) => void
  /** Redis is lost, or there again, or has lost what it held. */
  readonly lost: (outlook: NodeOutlook) => void
  readonly back: (outlook: NodeOutlook) => void
  readonly emptied: (outlook: NodeOutlook) => void
  /** Rounds told and rounds left out by this process. */
  readonly rounds: () => { readonly told: number; readonly overran: number }
}

/** This node's part in the cluster: runs the state machine over the clock and the coordinator. */
export interface Membership {
  outlook(): NodeOutlook
  view(): ClusterView
  holds(seat: Seat): boolean
  mayCure(): boolean
  /** Something may have changed. */
  hint(): void
  resign(): void
  /** What the node says of itself from now on, as JSON. */
  inform(info: string): void
  /** Hands everything over, takes leave, and resolves when that is done or Redis does not answer. */
  leave(drain: number): Promise<void>
}

interface Spell {
  readonly hard: AbortController
  readonly soft: AbortController
  readonly ended: Promise<void>
}

/** How often a node writes down how it fares, in milliseconds. */
const vitalsEvery = 5000

/**
 * Begins to be a member.
 * @param before the highest epoch that this node has ever seen, the key of a process of it that is known to be dead,
 * and the generation of the data that one knew.
 */
export function join(
  cluster: string,
  before: { readonly floor: number; readonly leftover?: string; readonly generation?: string },
  ports: MembershipPorts,
): Membership {
  const { clock, settings, observe } = ports
  const pulse: Pulse = createPulse(clock)
  const spells = new Map<Seat, Spell>()
  const ending = new AbortController()
  const stopped = Promise.withResolvers<void>()
  let state = startNode(settings)
  let alarmClock = new AbortController()
  let leaderKnown = 'undefined undefined'
  let mode: NodeOutlook['mode'] = 'starting'
  let saved = ''

  const now = (): Instant => ({ elapsed: clock.elapsed(), wall: clock.now() })

  function dispatch(event: NodeEvent): void {
    const result = step(state, event, now(), settings)
    state = result.state
    for (const command of result.commands) perform(command)
    tell()
  }

  function perform(command: NodeCommand): void {
    switch (command.type) {
      case 'call':
        void call(command)
        return
      case 'wake':
        void wakeAt(command.at)
        return
      case 'reset':
        ports.reset()
        return
      case 'gain':
        gain(command.seat, command.epoch)
        return
      case 'lose':
        spells.get(command.seat)?.hard.abort(command.why)
        observe({ type: 'seat-lost', seat: command.seat, why: command.why })
        return
      case 'drain':
        void drain(command.seat)
        return
      case 'degrade':
        ports.lost(outlook(state))
        return
      case 'recover':
        ports.back(outlook(state))
        return
      case 'duplicate':
        observe({ type: 'duplicate-name', name: settings.name })
        return
      case 'data-lost':
        observe({ type: 'data-lost' })
        ports.emptied(outlook(state))
        return
      case 'stopped':
        ending.abort()
        stopped.resolve()
    }
  }

  async function call({ id, request, deadline }: NodeCommand & { type: 'call' }): Promise<void> {
    const sent = clock.elapsed()
    try {
      const reply = await ports.coordinator.call(request, deadline)
      if (request.type === 'tick') {
        const took = clock.elapsed() - sent
        pulse.beat(took)
        observe({ type: 'beat', took })
      }
      dispatch({ type: 'answered', id, reply })
    } catch (error) {
      const fault = error instanceof CoordinatorLost ? error.fault : 'other'
      if (request.type === 'tick') observe({ type: 'beat-failed', fault })
      dispatch({ type: 'failed', id, fault })
    }
  }

  async function wakeAt(at: number): Promise<void> {
    alarmClock.abort()
    const mine = new AbortController()
    alarmClock = mine
    try {
      await clock.sleep(Math.max(0, at - clock.elapsed()), AbortSignal.any([mine.signal, ending.signal]))
    } catch {
      return
    }
    dispatch({ type: 'due' })
  }

  function gain(seat: Seat, epoch: number): void {
    const earlier = spells.get(seat)
    const [hard, soft] = [new AbortController(), new AbortController()]
    const term: SeatTerm = {
      seat,
      epoch,
      signal: hard.signal,
      until: AbortSignal.any([soft.signal, hard.signal]),
      isOver: () => hard.signal.aborted || !holds(state, seat, now(), settings),
    }
    // The spell before has been told to end; what it has under way ends first.
    const ended = (earlier?.ended ?? Promise.resolve()).then(() => ports.work(term)).catch(() => {})
    spells.set(seat, { hard, soft, ended })
    observe({ type: 'seat-gained', seat, epoch })
  }

  async function drain(seat: Seat): Promise<void> {
    const spell = spells.get(seat)
    spell?.soft.abort()
    await spell?.ended
    if (spells.get(seat) === spell) dispatch({ type: 'drained', seat })
  }

  function tell(): void {
    const seen = outlook(state)
    const leader = `${seen.leader?.key} ${seen.leader?.epoch}`
    if (leader !== leaderKnown) {
      leaderKnown = leader
      observe({
        type: 'leader-changed',
        name: seen.leader?.name ?? null,
        epoch: seen.leader?.epoch ?? 0,
      })
    }
    if (seen.mode !== mode) {
      mode = seen.mode
      if (mode !== 'stopped') observe({ type: 'mode-changed', mode, fault: seen.fault })
    }
    const keep = `${seen.key} ${seen.floor} ${seen.generation}`
    if (seen.key !== null && keep !== saved) {
      saved = keep
      ports.save({ key: seen.key, floor: seen.floor, generation: seen.generation })
    }
  }

  async function reportVitals(): Promise<void> {
    while (!ending.signal.aborted) {
      const { told, overran } = ports.rounds()
      dispatch({
        type: 'vitals',
        json: JSON.stringify(pulse.vitals(outlook(state).clockOffset, told, overran)),
      })
      await clock.sleep(vitalsEvery, ending.signal).catch(() => {})
    }
    pulse[Symbol.dispose]()
  }

  dispatch({ type: 'start', ...before })
  void reportVitals()

  return {
    outlook: () => outlook(state),
    view: () => viewOf(cluster, settings.name, state, now(), settings),
    holds: (seat) => holds(state, seat, now(), settings),
    mayCure: () => mayCure(state, now(), settings),
    hint: () => dispatch({ type: 'hint' }),
    resign: () => dispatch({ type: 'resign' }),
    inform: (json) => dispatch({ type: 'info', json }),
    async leave(drainFor) {
      if (ending.signal.aborted) return
      dispatch({ type: 'stop' })
      const late = clock.sleep(drainFor, ending.signal).then(
        () => {
          for (const { hard } of spells.values()) hard.abort('stopped')
        },
        () => {},
      )
      await stopped.promise
      await late
    },
  }
}

function viewOf(
  cluster: string,
  self: string,
  state: Parameters<typeof outlook>[0],
  now: Instant,
  settings: NodeSettings,
): ClusterView {
  const seen = outlook(state)
  const isCurrent = seen.mode === 'member' || seen.mode === 'recovering' || seen.mode === 'leaving'
  return {
    cluster,
    self,
    mode: seen.mode === 'stopped' ? 'leaving' : seen.mode,
    members: seen.members,
    leader: isCurrent && seen.leader !== null ? { name: seen.leader.name, epoch: seen.leader.epoch } : null,
    seats: [...seen.held.keys()].filter((seat) => holds(state, seat, now, settings)),
    lastBeatAge: seen.lastBeat === null ? null : now.elapsed - seen.lastBeat.elapsed,
    quarantine: seen.quarantine,
    fault: seen.fault,
  }
}
