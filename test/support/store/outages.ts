import { type Alarm, alarmOf, isEnd } from '../../../src/core/alarm.ts'
import { emptyState, judge, type Policy } from '../../../src/core/judge.ts'
import type { Finding, Report } from '../../../src/core/outcome.ts'
import type { Kept, Outgoing, Store } from '../../../src/core/store.ts'
import { say } from '../../../src/core/text.ts'
import { journaledStore } from '../../../src/store/journaled.ts'
import { memoryStore } from '../../../src/store/open.ts'

/** Nodes that tell one entry with one problem. Their Redis is a store in memory, which each of them can lose. */
export interface OutageCluster extends AsyncDisposable {
  /** A new node, which reaches Redis. */
  join(name: string): OutageNode
  /** Every word that people got, in order: `a: raised 100` is what node a sent of the spell raised at 100. */
  heard(): readonly string[]
  /** The spells, by when they were raised, that people heard of and whose end they did not hear of. */
  open(): readonly number[]
  /** When the problem was raised, as Redis has it; null: it is not. */
  raised(): Promise<number | null>
  /** What waits in Redis and in journals, once those have learned what the others wrote: `redis: raised 100`. */
  waiting(): Promise<readonly string[]>
  /** Redis comes back with nothing in it. */
  emptyRedis(): Promise<void>
  /** The journals and Redis forget all that they may. */
  prune(): Promise<void>
}

export interface OutageNode {
  readonly name: string
  /** Tells the entry and commits what the judge makes of it: in Redis, or in the journal where Redis is lost. */
  tell(outcome: 'ok' | 'problem', at: number): Promise<void>
  /** The channel takes all that waits. */
  send(): Promise<void>
  /** Tells the entry, and the channel takes all that waits then. */
  tellAndSend(outcome: 'ok' | 'problem', at: number): Promise<void>
  /** The channel refuses all that waits, for good. */
  giveUp(): Promise<void>
  /** The journal learns what others wrote. */
  learn(): Promise<void>
  /** From now on it has its journal alone. */
  loseRedis(): Promise<void>
  /** Gives Redis what the journal knows. */
  findRedis(): Promise<void>
  /** Hands what waits in the journal to the voice of the outage, and learns what that has sent. */
  handOver(voice: OutageNode): Promise<void>
  /** What the voice does with that; gives what it has sent of it, and the occurrences that it declines. */
  accept(
    alarms: Kept['outgoing'],
  ): Promise<{ readonly sent: Kept['outgoing']; readonly declined: readonly string[] }>
}

/** So many alarms are looked at, which is all. */
const all = 1000
/** Later than all that happens in a test. */
const later = 1e15

/** @param sure so many tellings raise a problem, and as many end it */
export function outageCluster(sure = 1): OutageCluster {
  const policy = { ...onlyOnce, confirm: sure, clear: sure }
  const stores = new AsyncDisposableStack()
  const open = () => stores.use(memoryStore())
  const words: { readonly by: string; readonly alarm: Alarm }[] = []
  const journals = new Map<string, Store>()
  const nodes: (OutageNode & { readonly hasRedis: boolean; restart(): void; prune(): Promise<void> })[] = []
  let redis = open()
  let now = 0

  function join(name: string): OutageNode {
    const journal = open()
    journals.set(name, journal)
    let joint = journaledStore(redis, journal)
    let hasRedis = true
    const store = (): Store => (hasRedis ? joint : journal)

    async function settle(result: 'sent' | 'failed'): Promise<readonly Alarm[]> {
      const { fence, ...acts } = store()
      const claimed = await acts.claim(fence, { channel: 'ops', at: later, limit: all })
      const settlements = claimed.map(({ id }) => ({ id, result, at: now }))
      await acts.settle(fence, settlements)
      return claimed.map(({ alarm }) => alarm)
    }

    const node: (typeof nodes)[number] = {
      name,
      async tell(outcome, at) {
        now = at
        const before = (await store().entry(subject.name))?.state ?? emptyState
        const { after: state, transitions } = judge(before, reportOf(outcome, at), policy)
        const owed = transitions.map((transition) => {
          const alarm = alarmOf(subject, transition)
          return { alarm, to: isEnd(alarm) ? ('told' as const) : ['ops'], due: at }
        })
        const { name, kind, title } = subject
        const record = { name, kind, title, at, took: 1, state, samples: {} }
        await store().commit(store().fence, { record, happenings: [], owed })
      },
      async send() {
        for (const alarm of await settle('sent')) words.push({ by: name, alarm })
      },
      async tellAndSend(outcome, at) {
        await node.tell(outcome, at)
        await node.send()
      },
      giveUp: async () => void (await settle('failed')),
      learn: () => joint.refresh(0),
      async loseRedis() {
        hasRedis = false
        await joint.assume()
      },
      async findRedis() {
        hasRedis = true
        await joint.replay(joint.fence)
      },
      async handOver(voice) {
        const known = await journal.alarms(all)
        const due = known.filter(isWaiting)
        const given = known.filter((one) => isWaiting(one) || (due.length > 0 && isSentEnd(one)))
        const { sent, declined } = await voice.accept(given.toReversed().map(({ id: _, ...one }) => one))
        const outgoing = sent.map((one) => ({ ...one, status: 'sent' as const, settledAt: now }))
        await journal.adopt(journal.fence, { records: [], happenings: [], outgoing, declined })
      },
      async accept(alarms) {
        const kept = { records: [], happenings: [], outgoing: alarms }
        const declined = await journal.adopt(journal.fence, kept)
        const known = new Map((await journal.alarms(all)).map((one) => [keyOf(one), one.status]))
        const taken = alarms.filter(({ alarm }) => !declined.includes(alarm.occurrence))
        return { sent: taken.filter((one) => (known.get(keyOf(one)) ?? 'sent') === 'sent'), declined }
      },
      get hasRedis() {
        return hasRedis
      },
      restart() {
        joint = journaledStore(redis, journal)
      },
      prune: () => joint.refresh(later),
    }
    nodes.push(node)
    return node
  }

  return {
    join,
    heard: () => words.map(({ by, alarm }) => `${by}: ${wordOf(alarm)}`),
    open() {
      const alarms = words.map(({ alarm }) => alarm)
      const over = new Set(alarms.filter(isEnd).map(raisedAt))
      return [...new Set(alarms.map(raisedAt))].filter((at) => !over.has(at))
    },
    async raised() {
      const problem = (await redis.entry(subject.name))?.state.problems['memory']
      return problem?.phase === 'raised' ? problem.raisedAt : null
    },
    async waiting() {
      for (const node of nodes) if (node.hasRedis) await node.learn()
      const places = [['redis', redis] as const, ...journals]
      const found = places.map(async ([place, store]) => {
        const waiting = (await store.alarms(all)).filter(isWaiting).toReversed()
        return waiting.map(({ alarm }) => `${place}: ${wordOf(alarm)}`)
      })
      return (await Promise.all(found)).flat()
    },
    async emptyRedis() {
      redis = open()
      for (const node of nodes) node.restart()
    },
    async prune() {
      for (const node of nodes) await node.prune()
      await redis.prune(later)
    },
    [Symbol.asyncDispose]: () => stores.disposeAsync(),
  }
}

const subject = { name: 'cache', kind: 'redis', title: 'Redis', tags: [] }

/** Tells of one spell as raised and as recovered, and nothing else. */
const onlyOnce: Policy = {
  confirm: 1,
  clear: 1,
  remindEvery: null,
  blindAfter: 99,
  flapping: { raises: 9999, window: 3_600_000, calm: 1 },
  steps: {},
}

const full: Finding = {
  key: '',
  severity: 'critical',
  summary: say`memory is full`,
  advice: say`make room`,
  evidence: {},
}

function reportOf(outcome: 'ok' | 'problem', at: number): Report {
  const findings = outcome === 'ok' ? [] : [full]
  const step = { step: 'memory', outcome, at, took: 1, notes: [], findings }
  return { entry: subject.name, at, took: 1, steps: [step] }
}

const raisedAt = ({ problem }: Alarm) => problem.raisedAt ?? problem.since
const wordOf = (alarm: Alarm) => `${alarm.kind} ${raisedAt(alarm)}`
const keyOf = ({ channel, alarm }: Kept['outgoing'][number]) => `${channel} ${alarm.dedupKey}`
const isSentEnd = ({ status, alarm }: Outgoing) => status === 'sent' && isEnd(alarm)
const isWaiting = ({ status }: Outgoing) => status === 'pending' || status === 'sending'
