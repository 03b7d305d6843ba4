import type { Clock } from '../core/clock.ts'
import type { ClusterTiming, CoordinatorFault } from '../core/cluster.ts'
import type { Secret } from '../core/secret.ts'
import { createAddressBook } from './peers/address-book.ts'
import { createPeerClient } from './peers/client.ts'
import { handOver } from './peers/handover.ts'
import {
  type Act,
  claimAnswer,
  type Greeting,
  greeting,
  type Handed,
  nothingTaken,
  type Receipt,
} from './peers/messages.ts'
import {
  createPeerServer,
  type PeerHandlers,
  PeerRefusal,
  type PeerRequest,
  type PeerResponse,
} from './peers/server.ts'
import { isPresent, wordsOf } from './picker/hearsay.ts'
import { idlePicker, step } from './picker/picker.ts'
import { isReachable, runsFor } from './picker/reach.ts'
import type { Outage, PickerCommand, PickerEvent, PickerSettings, PickerState, Told } from './picker/types.ts'

/** How a node fares with Redis. `beatAge`: milliseconds since its last heartbeat that was taken; null: none was. */
export interface PeerHealth {
  readonly beatAge: number | null
  readonly fault: CoordinatorFault | null
  /** Whether it has a channel that works. */
  readonly canTell: boolean
}

export interface DegradedPorts {
  readonly self: string
  readonly cluster: string
  readonly secret: Secret
  readonly clock: Clock
  readonly timing: ClusterTiming
  /** The members of the last view. Their addresses and the seeds are the only ones that are ever called. */
  readonly peersOf: () => readonly { readonly name: string; readonly address: string | null }[]
  readonly seeds: readonly string[]
  readonly health: () => PeerHealth
  /** This node is the voice: raise the alarm where it is new; say `told` when it has left. May come again. */
  readonly speak: (outage: Outage, isNew: boolean) => void
  /** Who the voice is has changed, or that there is one at all. */
  readonly changed: () => void
  /** Takes over alarms of a peer, where this node is the voice or sees Redis; twice the same is one. */
  readonly accept: (alarms: readonly Handed[]) => Promise<Receipt>
  /** Peers say who misses Redis while this node sees it. */
  readonly reported: (missing: readonly { name: string; fault: CoordinatorFault }[]) => Promise<void>
}

/** What a node does over HTTP while the coordinating Redis is lost. */
export interface Degraded extends AsyncDisposable {
  /** Redis does not answer: ask the peers how they fare. `order`: the last leader, then the ring. */
  suspect(order: readonly string[]): void
  begin(outage: Outage, order: readonly string[]): void
  end(): void
  /** The alarm of this outage has left this node. */
  told(outage: Outage): void
  /** Whose job sending alarms is now; null: nobody's yet, or Redis is not lost. */
  voice(): string | null
  isVoice(): boolean
  /** Whether a peer sees Redis: then it is the voice. */
  isIsolated(): boolean
  /** Whether this node runs what belongs to that one; false for the own where a peer sees Redis. */
  runs(owner: string): boolean
  /** All nodes of the last view and those heard of, and which can be reached; this one included. */
  nodes(): readonly Reached[]
  /** Outages of which people were told, as far as this node knows. */
  outagesTold(): readonly Told[]
  /** Hands alarms to the voice; those it did not take are in no list of the receipt. */
  forward(alarms: readonly Handed[]): Promise<Receipt>
  /** Answers what peers ask under `/-/peer/`, in whatever mode this node is. */
  handle(request: PeerRequest): Promise<PeerResponse>
}

export interface Reached {
  readonly name: string
  readonly isReachable: boolean
  readonly fault: CoordinatorFault | null
}

export function createDegraded(ports: DegradedPorts): Degraded {
  const { self, clock } = ports
  const settings = pickerSettings(self, ports.timing)
  const client = createPeerClient(ports)
  const book = createAddressBook(ports)
  const { addressOf } = book
  const stopped = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  let state: PickerState = idlePicker
  let timer: AbortController | null = null

  const seesRedis = ({ beatAge, fault }: PeerHealth) =>
    fault === null && beatAge !== null && beatAge < settings.valid

  function track(work: Promise<unknown>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  /** Returns what the commands said to a peer's claim. */
  function move(event: PickerEvent): boolean {
    if (stopped.signal.aborted) return false
    const health = ports.health()
    const own = { type: 'own', canTell: health.canTell, seesRedis: seesRedis(health) } as const
    const before = state
    const isSame = own.canTell === state.canTell && own.seesRedis === state.seesRedis
    let isGranted = false
    for (const one of isSame ? [event] : [own, event]) {
      const next = step(state, one, clock.elapsed(), settings)
      state = next.state
      for (const command of next.commands) {
        if (command.type === 'answer') isGranted = command.granted
        else run(command)
      }
    }
    if (state.phase === 'idle') timer?.abort()
    const { phase, voice, isIsolated } = state
    if (before.phase !== phase || before.voice !== voice || before.isIsolated !== isIsolated) ports.changed()
    return isGranted
  }

  function run(command: Exclude<PickerCommand, { type: 'answer' }>): void {
    if (command.type === 'probe') askAll(command.peers, 'probe')
    if (command.type === 'announce') askAll(command.peers, 'sent')
    if (command.type === 'claim') for (const peer of command.peers) track(claim(command.id, peer))
    if (command.type === 'speak') ports.speak(command.outage, command.isNew)
    if (command.type === 'report') track(reportTo(command.to))
    if (command.type === 'wake') wake(command.at)
  }

  function wake(at: number): void {
    timer?.abort()
    timer = new AbortController()
    const { signal } = timer
    const ms = Math.max(0, at - clock.elapsed())
    const due = () => void move({ type: 'due' })
    track(
      clock
        .sleep(ms, signal)
        .then(due, () => signal.throwIfAborted)
        .catch(() => {}),
    )
  }

  function askAll(peers: readonly string[], act: 'probe' | 'sent'): void {
    for (const address of book.of(peers)) track(hail(address, act))
  }

  async function hail(address: string, act: Act): Promise<void> {
    const answer = await ask(address, act, greet(), greeting)
    if (answer !== null) hear(answer, address)
  }

  async function claim(id: number, peer: string): Promise<void> {
    const address = addressOf(peer)
    const answer = address === null ? null : await ask(address, 'claim', greet(), claimAnswer)
    if (answer !== null) hear(answer, address)
    move({ type: 'answered', id, from: peer, granted: answer?.granted ?? null })
  }

  async function reportTo(peer: string): Promise<void> {
    const address = addressOf(peer)
    if (address === null) return
    const answer = await ask(address, 'report', { ...greet(), missing: missing() }, greeting)
    if (answer !== null) hear(answer, address)
  }

  /** This node, and all it hears of that miss Redis too. */
  function missing() {
    const now = clock.elapsed()
    const others = [...state.words].flatMap(([name, heard]) => {
      const { fault } = heard
      return fault !== null && isPresent(heard, now, settings.period) ? [{ name, fault }] : []
    })
    return [{ name: self, fault: ports.health().fault ?? ('other' as const) }, ...others.slice(0, 100)]
  }

  /** null: no answer that can be used. */
  async function ask<Answer>(
    address: string,
    act: Act,
    message: unknown,
    answer: Parameters<typeof client.ask<Answer>>[0]['answer'],
  ): Promise<Answer | null> {
    const { deadline } = settings
    const { signal } = stopped
    return await client.ask({ address, act, message, answer, deadline, signal }).catch(() => null)
  }

  function hear(message: Greeting, address: string | null): void {
    if (message.cluster !== ports.cluster) return
    if (address !== null) book.learn(address, message.from)
    move({ type: 'heard', ...message })
  }

  function greet(): Greeting {
    const now = clock.elapsed()
    const { beatAge, fault, canTell } = ports.health()
    const own = { name: self, age: 0, hops: 0, fault, beatAge, canTell, speaks: state.voice === self }
    const others = wordsOf(state.words, state.ranks, now, settings.period)
    return {
      cluster: ports.cluster,
      from: self,
      outage: state.outage,
      words: [own, ...others],
      told: [...state.told],
    }
  }

  const handing = {
    self,
    cluster: ports.cluster,
    client,
    addressOf,
    deadline: 3 * settings.deadline,
    signal: stopped.signal,
  }
  const ways = (to: string) => ({ state, to, now: clock.elapsed(), period: settings.period })

  const handlers: PeerHandlers = {
    probe: (message) => heed(message),
    sent: (message) => heed(message),
    claim(message) {
      heed(message)
      const granted = move({ type: 'asked', from: message.from })
      return { ...greet(), granted }
    },
    async report(message) {
      heed(message)
      if (seesRedis(ports.health())) await ports.reported(message.missing)
      return greet()
    },
    async alarms({ cluster, from, to, hops, alarms }) {
      expectOurs(cluster)
      if (to !== self) return await handOver(alarms, ways(to), { ...handing, hops: hops - 1, except: from })
      const isOurJob = state.voice === self || seesRedis(ports.health())
      return isOurJob ? await ports.accept(alarms) : nothingTaken
    },
  }

  function heed(message: Greeting): Greeting {
    expectOurs(message.cluster)
    hear(message, null)
    return greet()
  }

  function expectOurs(cluster: string): void {
    if (cluster !== ports.cluster) throw new PeerRefusal(409, 'another cluster')
  }

  const serve = createPeerServer({ secret: ports.secret, clock, handlers })

  return {
    suspect: (order) => void move({ type: 'suspect', order }),
    begin: (outage, order) => void move({ type: 'begin', outage, order }),
    end: () => void move({ type: 'end' }),
    told: (outage) => void move({ type: 'told', outage, at: clock.now() }),
    voice: () => state.voice,
    isVoice: () => state.voice === self,
    isIsolated: () => state.isIsolated,
    runs: (owner) => runsFor(state, owner, clock.elapsed(), settings),
    nodes() {
      const now = clock.elapsed()
      const names = new Set([self, ...state.ranks.keys(), ...state.words.keys()])
      return [...names].map((name) => ({
        name,
        isReachable: name === self || isReachable(state, name, now, settings.period),
        fault: name === self ? ports.health().fault : (state.words.get(name)?.fault ?? null),
      }))
    },
    outagesTold: () => state.told,
    async forward(alarms) {
      const { voice } = state
      if (voice === null || voice === self) return nothingTaken
      return await handOver(alarms, ways(voice), { ...handing, hops: 4, except: null })
    },
    handle: serve,
    async [Symbol.asyncDispose]() {
      stopped.abort()
      timer?.abort()
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

/** How fast the voice is picked: of the profile `lan` it mostly speaks 1 to 2.5 s after `begin`, 5 s at the latest. */
function pickerSettings(self: string, { beat, valid }: ClusterTiming): PickerSettings {
  const period = Math.min(2 * beat, 2000)
  return { self, period, step: period * 0.4, patience: period * 3, deadline: period * 0.8, valid }
}
