import { z } from 'zod'
import type { Peer } from '../../../src/cluster/story/ports.ts'
import { clusterEntry } from '../../../src/cluster/story.ts'
import type { ClusterRecords, ClusterView, Vitals } from '../../../src/core/cluster.ts'
import { profiles } from '../../../src/core/cluster-timing.ts'
import type { Transition } from '../../../src/core/judge.ts'
import { problemId, type Report, type StepReport } from '../../../src/core/outcome.ts'
import type { Entry } from '../../../src/core/plan.ts'
import type { EntryRecord } from '../../../src/core/store.ts'
import { defineStory } from '../../../src/core/story.ts'
import { render } from '../../../src/core/text.ts'
import { entryOf } from '../entry.ts'
import { type Rounds, rounds } from '../rounds.ts'

/** What the watch over a cluster is shown; a test changes it as the world changes. */
export interface World {
  view: ClusterView
  records: ClusterRecords
  entries: readonly EntryRecord[]
  owners: Readonly<Record<string, string>>
  /** Thrown in place of the records. */
  failure: Error | null
}

export interface ClusterWatch {
  readonly world: World
  readonly entry: Entry
  readonly rounds: Rounds
  /** Wall milliseconds. */
  now(): number
  /** One round, as the engine runs it; `raised critical member-lost/b: ...` for each transition. */
  tell(): Promise<string[]>
  /** Rounds at the story's pace for so long. */
  tellFor(ms: number): Promise<string[]>
  /** What the last round said of a step. */
  step(name: string): StepReport
  /** The problem of the last round with this id, as its alarm tells it. */
  problem(id: string): { summary: string; advice: string; severity: string; evidence: object }
}

const every = 10_000
export const lan = profiles.lan
const [minute, hour] = [60_000, 3_600_000]

/** A watch over three nodes in good health, of which `a` leads and tells. */
export function clusterWatch(entries: readonly Entry[] = []): ClusterWatch {
  const world: World = {
    view: {
      cluster: 'shop',
      self: 'a',
      mode: 'member',
      members: [],
      leader: { name: 'a', epoch: 1000 },
      seats: ['leader'],
      lastBeatAge: 100,
      quarantine: 0,
      fault: null,
    },
    records: {
      members: ['a', 'b', 'c'].map((name) => peer(name)),
      leader: { name: 'a', epoch: 1000 },
      lost: [],
      owners: { leader: 'a' },
      changes: [],
      isolated: [],
      quarantine: 0,
    },
    entries: [],
    owners: {},
    failure: null,
  }
  const entry = clusterEntry({
    view: () => world.view,
    records: async () => {
      if (world.failure !== null) throw world.failure
      return world.records
    },
    entries: async () => world.entries,
    ownerOf: (name) => world.owners[name] ?? null,
    plan: { entries, cluster: null, limits: { concurrency: 10, cures: 2, blastRadius: 0.3 } },
    timing: lan,
    every,
  })
  const running = rounds([entry])
  const { clock, events } = running
  let report: Report | null = null
  let heard = 0

  const tell = async () => {
    report = (await running.run(entry)).report
    const fresh = events.slice(heard)
    heard = events.length
    return fresh.flatMap((event) => (event.type === 'round-ended' ? event.transitions.map(lineOf) : []))
  }
  const step = (name: string) => {
    const told = report?.steps.find((one) => one.step === name)
    if (told === undefined) throw new Error(`no step ${name} was told`)
    return told
  }
  return {
    world,
    entry,
    rounds: running,
    now: () => clock.now(),
    tell,
    step,
    async tellFor(ms) {
      const lines: string[] = []
      const end = clock.now() + ms
      while (clock.now() < end) {
        const next = clock.now() + every
        lines.push(...(await tell()))
        await clock.advance(Math.max(0, next - clock.now()))
      }
      return lines
    },
    problem(id) {
      const [name = '', ...key] = id.split('/')
      const found = step(name).findings.find((finding) => finding.key === key.join('/'))
      if (found === undefined) throw new Error(`no problem ${id} was found`)
      const { summary, advice, severity, evidence } = found
      return { summary: render(summary), advice: render(advice), severity, evidence }
    },
  }
}

const lineOf = ({ kind, problem }: Transition) =>
  `${kind} ${problem.severity} ${problemId(problem.step, problem.key)}: ${render(problem.summary)}`

/** A member in good health, unless the test says otherwise. */
export function peer(
  name: string,
  { vitals, ...more }: Partial<Omit<Peer, 'vitals'>> & { readonly vitals?: Partial<Vitals> | null } = {},
): Peer {
  return {
    name,
    key: `${name}@1`,
    state: 'active',
    address: `${name}.internal:9180`,
    roles: [],
    version: '1.0.0',
    config: 'c0ffee'.repeat(8),
    host: `host-${name}`,
    pid: 42,
    beatAge: 200,
    vitals: vitals === null ? null : { ...wellVitals, ...vitals },
    ...more,
  }
}

const wellVitals: Vitals = {
  at: 0,
  clockOffset: 0,
  roundTrip: 2,
  interval: 550,
  loopLag: 12,
  uptime: 24 * hour,
  rounds: 100,
  overruns: 0,
}

/** The records with some members changed. */
export function withPeers(world: World, ...peers: readonly Peer[]): void {
  const changed = new Map(peers.map((one) => [one.name, one]))
  const kept = world.records.members.map((one) => changed.get(one.name) ?? one)
  const added = peers.filter(({ name }) => !kept.some((one) => one.name === name))
  world.records = { ...world.records, members: [...kept, ...added] }
}

export function withoutPeer(world: World, name: string): void {
  world.records = { ...world.records, members: world.records.members.filter((one) => one.name !== name) }
}

/** A record as the store keeps it, told at a moment. */
export function record(name: string, at: number, took = 100): EntryRecord {
  return {
    name,
    kind: 'test',
    title: 'Test',
    at,
    took,
    state: { steps: {}, problems: {}, raises: {} },
    samples: {},
  }
}

const quiet = defineStory({ title: 'Quiet', options: z.strictObject({}), steps: {} })

/** A configured entry that is told every minute, unless the test says otherwise. */
export function planned(name: string, more: Partial<Entry> = {}): Entry {
  return { ...entryOf(quiet, { name }), ...more }
}

export { hour, minute }
