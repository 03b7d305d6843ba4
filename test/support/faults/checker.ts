import { shardOf } from '../../../src/cluster/shards.ts'
import { type Fault, type History, type Life, modesOf, type Span, type Spell, spellsOf } from './history.ts'

/** A rule of the cluster that a history breaks; the rules are numbered as in its design (I1 to I12). */
export interface Violation {
  readonly rule: string
  /** Wall milliseconds. */
  readonly at: number
  readonly text: string
}

/** What was sent before a node had to end may arrive so much later, in milliseconds. */
const flight = 300
/** Words about a spell are written so much later than it began or ended, at most. */
const slack = 100

/** Looks, after the fact, for everything that should never have happened. */
export function check(history: History): readonly Violation[] {
  const facts = factsOf(history)
  return rules.flatMap((rule) => rule(facts)).toSorted((a, b) => a.at - b.at)
}

interface Facts extends History {
  readonly spells: readonly Spell[]
  lifeOf(node: string, at: number): Life | null
  /** Whether the process holds the seat, or did a moment before. */
  holds(life: Life, seat: string, at: number): Spell | null
  modesOf(life: Life): ReturnType<typeof modesOf>
  modeAt(life: Life, at: number): readonly string[]
}

function factsOf(history: History): Facts {
  const { lives, timing } = history
  const spells = lives.flatMap((life) => spellsOf(life, timing.valid))
  const modes = new Map(lives.map((life) => [life, modesOf(life)]))
  return {
    ...history,
    spells: spells.toSorted((a, b) => a.from - b.from),
    lifeOf: (node, at) => lives.findLast((life) => life.node === node && life.from <= at) ?? null,
    holds: (life, seat, at) =>
      spells.findLast((one) => {
        return one.life === life && one.seat === seat && one.from - slack <= at && at <= one.to + flight
      }) ?? null,
    modesOf: (life) => modes.get(life) ?? [],
    modeAt: (life, at) =>
      (modes.get(life) ?? [])
        .filter(({ from, to }) => from - slack <= at && at <= to + flight)
        .map(({ mode }) => mode),
  }
}

type Rule = (facts: Facts) => readonly Violation[]

const rules: readonly Rule[] = [
  seatsDoNotOverlap,
  epochsRise,
  onlyTheLeaderSends,
  allIsTold,
  curesAreAllowed,
  allIsHeld,
  theCutOffDoNothing,
  lossIsToldOnce,
  nothingBreaks,
]

/** I1 of the leadership, I7 of the shards. */
function seatsDoNotOverlap({ spells }: Facts): readonly Violation[] {
  const shared = spells.filter(({ seat }) => seat !== 'node')
  return [...Map.groupBy(shared, ({ seat }) => seat)].flatMap(([seat, inOrder]) =>
    inOrder.flatMap((spell, index) => {
      const before = inOrder.slice(0, index).find((one) => one.to > spell.from && one.life !== spell.life)
      if (before === undefined) return []
      const [first, second] = [before, spell].map(({ life, epoch }) => `${life.node} (epoch ${epoch})`)
      const text = `${first} and ${second} held ${seat} at once for ${Math.min(before.to, spell.to) - spell.from} ms`
      return [{ rule: seat === 'leader' ? 'I1' : 'I7', at: spell.from, text }]
    }),
  )
}

/** I2, of all seats: whoever holds one next has a higher epoch, and nobody leads twice with the same. */
function epochsRise({ spells }: Facts): readonly Violation[] {
  const shared = spells.filter(({ seat }) => seat !== 'node')
  return [...Map.groupBy(shared, ({ seat }) => seat)].flatMap(([seat, inOrder]) =>
    inOrder.flatMap((spell, index) => {
      const before = inOrder[index - 1]
      const isAgain = seat !== 'leader' && before?.life === spell.life && before.epoch === spell.epoch
      if (before === undefined || spell.epoch > before.epoch || isAgain) return []
      const text = `${spell.life.node} was given ${seat} with epoch ${spell.epoch} after ${before.life.node} had ${before.epoch}`
      return [{ rule: 'I2', at: spell.from, text }]
    }),
  )
}

/** I3, I4: whoever sends leads at that moment, or stands in while Redis is lost. */
function onlyTheLeaderSends(facts: Facts): readonly Violation[] {
  return facts.deliveries.flatMap(({ at, node, alarms }) => {
    const life = facts.lifeOf(node, at)
    if (life === null) return []
    if (facts.holds(life, 'leader', at) !== null) return []
    if (facts.modeAt(life, at).includes('degraded')) return []
    const what = alarms.map(({ occurrence, kind }) => `${kind} ${occurrence}`).join(', ')
    return [{ rule: 'I4', at, text: `${node} sent without leading: ${what}` }]
  })
}

/** I5: what is owed arrives, under one key, and again only where a fault was in the way. */
function allIsTold(facts: Facts): readonly Violation[] {
  const { signals, deliveries, settledAt, faults } = facts
  const taken = deliveries.filter(({ isTaken }) => isTaken)
  const words = taken.flatMap(({ at, alarms }) => alarms.map((alarm) => ({ ...alarm, at })))
  const bySignal = Map.groupBy(words, ({ entry, key }) => `${entry} ${key}`)
  const violations: Violation[] = []
  const found = (at: number, text: string) => void violations.push({ rule: 'I5', at, text })
  for (const { entry, key, at, downAt } of signals) {
    const told = bySignal.get(`${entry} ${key}`) ?? []
    const first = told.filter(({ kind }) => kind === 'raised' || kind === 'healed')
    const isRaised = first.some(({ kind }) => kind === 'raised')
    const last = told.filter(({ kind }) => kind === 'recovered' || kind === 'withdrawn')
    for (const [name, some] of Object.entries({ beginning: first, end: last })) {
      const keys = new Set(some.map(({ dedupKey }) => dedupKey))
      if (keys.size > 1 && !isTornApart(facts, at, some.at(-1)?.at ?? at))
        found(some.at(-1)?.at ?? at, `the ${name} of ${entry}/${key} was told under ${keys.size} keys`)
    }
    if (settledAt === null) continue
    if (first.length === 0) found(at, `nobody was told of ${entry}/${key}`)
    if (isRaised && downAt !== null && last.length === 0)
      found(downAt, `nobody was told that ${entry}/${key} is over`)
  }
  for (const repeats of Map.groupBy(words, ({ dedupKey }) => dedupKey).values()) {
    for (const [index, word] of repeats.entries()) {
      const before = repeats[index - 1]
      if (before === undefined) continue
      const wasDisturbed = faults.some(overlaps({ from: before.at - 1000, to: word.at }))
      if (!wasDisturbed) found(word.at, `${word.kind} ${word.occurrence} came again for no reason`)
    }
  }
  return violations
}

/**
 * Where two faults meet, one of which takes Redis or its data away, nodes that do not hear each other may tell one and
 * the same under keys of their own.
 */
function isTornApart({ lives, faults, ...facts }: Facts, from: number, to: number): boolean {
  const during = faults.filter(overlaps({ from, to }))
  const stoodIn = lives.some((life) =>
    facts.modesOf(life).some((span) => span.mode === 'degraded' && span.from <= to && span.to >= from),
  )
  return during.length > 1 && (stoodIn || during.some(({ lostDataAt }) => lostDataAt !== undefined))
}

/** I6: only the holder of an entry's seat cures it, once under one epoch, and never while Redis is lost or was emptied. */
function curesAreAllowed(facts: Facts): readonly Violation[] {
  const { mendings, lives, faults, timing, shards } = facts
  const done = new Set<string>()
  return mendings.flatMap(({ at, pid, entry, key }) => {
    const life = lives.find((one) => one.pid === pid && one.from <= at)
    if (life === undefined) return [{ rule: 'I6', at, text: `an unknown process cured ${entry}/${key}` }]
    const found = (text: string) => [{ rule: 'I6', at, text: `${life.node} cured ${entry}/${key} ${text}` }]
    const seat = seatOf(entry, shards)
    const spell = facts.holds(life, seat, at)
    if (spell === null) return found(`without holding ${seat}`)
    if (!facts.modeAt(life, at).includes('member')) return found(`in mode ${facts.modeAt(life, at).join()}`)
    const emptied = faults.find(({ lostDataAt: lost }) => {
      return lost !== undefined && at > lost + flight && at < lost + timing.lease - slack
    })
    if (emptied !== undefined) return found(`in the quarantine after ${emptied.kind}`)
    const act = `${pid} ${spell.epoch} ${key}`
    if (done.has(act)) return found('twice under one epoch')
    done.add(act)
    return []
  })
}

/** The seat of an entry of the test: those that nodes tell of themselves bear a node's name. */
function seatOf(entry: string, shards: number): string {
  if (entry.includes('@')) return 'node'
  return entry === 'led' ? 'leader' : `shard:${shardOf(entry, shards)}`
}

/** I7, I8: in the end somebody leads, and every shard has its owner. */
function allIsHeld({ spells, settledAt, shards, lives }: Facts): readonly Violation[] {
  if (settledAt === null) return []
  const isHeld = (seat: string) =>
    spells.some(
      (one) => one.seat === seat && one.from <= settledAt && settledAt < one.to && one.life.to === null,
    )
  const seats = ['leader', ...Array.from({ length: shards }, (_, shard) => `shard:${shard}`)]
  const free = seats.filter((seat) => !isHeld(seat))
  if (free.length === 0 || lives.every(({ to }) => to !== null)) return []
  return [
    { rule: free.includes('leader') ? 'I8' : 'I7', at: settledAt, text: `nobody holds ${free.join(', ')}` },
  ]
}

/** I9: who has had no heartbeat for `valid` does nothing that needs one. */
function theCutOffDoNothing({ faults, timing, mendings, deliveries, ...facts }: Facts): readonly Violation[] {
  return faults.filter(cutsOff).flatMap(({ kind, node, from, to }) => {
    const [begin, end] = [from + timing.valid + flight, to ?? Number.POSITIVE_INFINITY]
    const isWithin = (at: number) => at > begin && at < end
    const found = (at: number, what: string) => ({ rule: 'I9', at, text: `${node} ${what} in ${kind}` })
    const cured = mendings.filter(
      ({ at, pid }) => isWithin(at) && facts.lives.some((one) => one.pid === pid && one.node === node),
    )
    const sent = deliveries.filter((one) => {
      const life = facts.lifeOf(one.node, one.at)
      return (
        one.node === node &&
        isWithin(one.at) &&
        life !== null &&
        !facts.modeAt(life, one.at).includes('degraded')
      )
    })
    return [...cured.map(({ at }) => found(at, 'cured')), ...sent.map(({ at }) => found(at, 'sent'))]
  })
}

const cutsOff = ({ kind, node }: Fault) =>
  node !== null && ['black-hole', 'no-requests', 'no-answers', 'refuse'].includes(kind)

/** I10: that Redis is lost is told where it was, and not more often than nodes fell apart. */
function lossIsToldOnce({ deliveries, faults, timing }: Facts): readonly Violation[] {
  const told = deliveries.flatMap(({ at, isTaken, alarms }) =>
    alarms
      .filter((one) => one.entry === 'cluster' && one.step === 'coordination' && one.key === '')
      .filter(({ kind }) => isTaken && kind === 'raised')
      .map(({ dedupKey }) => ({ at, dedupKey })),
  )
  const first = [...Map.groupBy(told, ({ dedupKey }) => dedupKey).values()].flatMap((some) =>
    some.slice(0, 1),
  )
  return first.flatMap(({ at }, index) => {
    const before = first[index - 1]?.at ?? Number.NEGATIVE_INFINITY
    const during = faults.filter(overlaps({ from: at - 5 * timing.lease, to: at }))
    const isNew = during.some(({ from }) => from > before)
    if (during.length > 0 && isNew) return []
    const why = during.length === 0 ? 'while nothing had happened' : 'a second time'
    return [{ rule: 'I10', at, text: `the loss of Redis was told ${why}` }]
  })
}

/** I12: no process ends by itself, and none prints what only a fault of its program makes it print. */
function nothingBreaks({ lives }: Facts): readonly Violation[] {
  return lives.flatMap(({ node, to, end, noise, from, log }) => {
    const found = (text: string) => [{ rule: 'I12', at: to ?? from, text: `${node} ${text}` }]
    const isStarted = log.some(({ msg }) => msg === 'started')
    if (to !== null && end === null && isStarted) return found(`ended by itself: ${noise.slice(0, 300)}`)
    const broken = /unhandled|^ +at .+:\d+|(Type|Reference|Range)Error/im.exec(noise)
    if (broken !== null)
      return found(`printed ${noise.slice(Math.max(0, broken.index - 200), broken.index + 300)}`)
    const line = log.find(({ error }) =>
      /TypeError|ReferenceError|is not a function|of undefined/.test(String(error)),
    )
    return line === undefined ? [] : found(`logged ${JSON.stringify(line)}`)
  })
}

function overlaps({ from, to }: Span): (fault: Fault) => boolean {
  return (fault) => fault.from <= to && (fault.to ?? Number.POSITIVE_INFINITY) >= from
}
