import type { ClusterTiming } from '../../../src/core/cluster.ts'
import type { LogLine } from '../program.ts'

/** All that happened to a cluster, for the checker. Moments are wall milliseconds of the one machine it ran on. */
export interface History {
  readonly timing: ClusterTiming
  readonly shards: number
  readonly lives: readonly Life[]
  readonly signals: readonly Readonly<Signal>[]
  readonly deliveries: readonly Delivery[]
  readonly mendings: readonly Mending[]
  readonly faults: readonly Fault[]
  /** When all had settled again; null: it was not waited for. */
  readonly settledAt: number | null
}

/** One process of a node. */
export interface Life {
  readonly node: string
  readonly pid: number
  readonly from: number
  /** null: it lives. */
  readonly to: number | null
  /** null: it lives, or ended by itself, which it should not. */
  readonly end: 'killed' | 'asked' | null
  readonly pauses: readonly Pause[]
  readonly log: readonly LogLine[]
  /** Whatever it printed beside its log. */
  readonly noise: string
}

export interface Pause {
  readonly from: number
  /** null: it is still paused. */
  readonly to: number | null
}

/** A problem that the test made: it stands from `at` until `downAt`. */
export interface Signal {
  readonly key: string
  readonly entry: string
  /** It carries a cure that takes it down. */
  readonly mends: boolean
  readonly at: number
  downAt: number | null
}

/** A digest that arrived. */
export interface Delivery {
  readonly at: number
  readonly node: string
  readonly isTaken: boolean
  readonly alarms: readonly {
    readonly dedupKey: string
    readonly occurrence: string
    readonly kind: string
    readonly entry: string
    readonly step: string
    readonly key: string
  }[]
}

/** A cure that acted. */
export interface Mending {
  readonly at: number
  readonly pid: number
  readonly entry: string
  readonly key: string
}

/** What was done to the cluster. `node`: to one of its nodes alone. */
export interface Fault {
  readonly kind: string
  readonly node: string | null
  readonly from: number
  /** null: it lasts. */
  readonly to: number | null
  /** The data of Redis were lost at this moment. */
  readonly lostDataAt?: number
}

/** From one moment to another; Infinity: it lasts. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** One spell of a process on a seat, by what it said itself and what was done to it. */
export interface Spell extends Span {
  readonly life: Life
  readonly seat: string
  readonly epoch: number
  readonly why: string | null
}

/**
 * What a process held, by what it said itself. One that was stopped for longer than it may trust a heartbeat (`valid`)
 * held nothing from then on, whatever it said later.
 */
export function spellsOf(life: Life, valid: number): readonly Spell[] {
  const open = new Map<string, { epoch: number; from: number }>()
  const spells: Spell[] = []
  const close = (seat: string, at: number, why: string | null) => {
    const spell = open.get(seat)
    open.delete(seat)
    if (spell === undefined) return
    const pause = life.pauses.find(({ from, to }) => {
      return from >= spell.from && from <= at && (to ?? Number.POSITIVE_INFINITY) - from >= valid
    })
    spells.push({ life, seat, ...spell, to: pause?.from ?? at, why })
  }
  for (const line of life.log) {
    const seat = seatOf(line)
    if (seat === null) continue
    const at = timeOf(line)
    const isGain = line.msg === 'this node leads' || line.msg === 'seat gained'
    close(seat, at, isGain ? null : String(line['why']))
    if (isGain) open.set(seat, { epoch: Number(line['epoch']), from: at })
  }
  for (const seat of [...open.keys()]) close(seat, life.to ?? Number.POSITIVE_INFINITY, null)
  return spells.toSorted((a, b) => a.from - b.from)
}

/** The modes of a process, one after another. */
export function modesOf(life: Life): readonly (Span & { readonly mode: string })[] {
  const turns = life.log
    .filter(({ msg }) => msg === 'cluster')
    .map((line) => ({ at: timeOf(line), mode: String(line['mode']) }))
  return [{ at: life.from, mode: 'starting' }, ...turns].map(({ at, mode }, index) => {
    return { from: at, to: turns[index]?.at ?? life.to ?? Number.POSITIVE_INFINITY, mode }
  })
}

/** Wall milliseconds. */
function timeOf(line: LogLine): number {
  return Date.parse(String(line['time']))
}

function seatOf(line: LogLine): string | null {
  if (line.msg === 'this node leads' || line.msg === 'this node leads no more') return 'leader'
  return line.msg === 'seat gained' || line.msg === 'seat lost' ? String(line['seat']) : null
}
