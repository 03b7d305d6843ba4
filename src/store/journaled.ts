import { CoordinatorLost } from '../core/redis-link.ts'
import type { Commit, Fence, Kept, Outgoing, Settlement, Store } from '../core/store.ts'

/** The store of a cluster with a journal on this node: what this node has told and sent survives the loss of Redis. */
export interface JournaledStore extends Store {
  /** Brings the journal up to date with what other nodes have written; it forgets what is older than `before`. */
  refresh(before: number): Promise<void>
  /** Gives the shared store whatever the journal knows and it does not; then the journal learns from it. */
  replay(fence: Fence): Promise<void>
  /**
   * Takes commits whose outcome is unknown as done: whoever goes on from the journal alone, now that the shared store is
   * lost, then names their problems as the shared store may have them.
   */
  assume(): Promise<void>
}

/** So many alarms are compared between journal and shared store. */
const mostAlarms = 1000

/**
 * Acts go to the shared store. What this node commits and sends is written to its journal too; what is only looked at
 * comes from the journal while the shared store cannot be reached.
 */
export function journaledStore(shared: Store, journal: Store): JournaledStore {
  /** What this node has claimed and not settled yet, by id. */
  const claimed = new Map<number, Outgoing>()
  /** The commits of which it is not known whether they were carried out, by entry; the next look at it will tell. */
  const unsure = new Map<string, Commit>()

  const look = async <Result>(ask: (store: Store) => Promise<Result>): Promise<Result> => {
    try {
      return await ask(shared)
    } catch (error) {
      if (error instanceof CoordinatorLost) return ask(journal)
      throw error
    }
  }

  const keep = (kept: Partial<Kept>) =>
    journal.adopt(journal.fence, { records: [], happenings: [], outgoing: [], ...kept })

  /** What other nodes have written: the names of what is raised are theirs, now that the shared store is there. */
  async function learn(): Promise<void> {
    const [records, alarms] = [await shared.entries(), await shared.alarms(mostAlarms)]
    const settled = alarms.filter(({ status }) => status === 'sent' || status === 'failed')
    await keep({ records, outgoing: settled.toReversed(), overrules: true })
  }

  /** The journal may not know who was told of a problem by another node, and so whom its end is owed to. */
  async function keepEnds({ owed }: Commit): Promise<void> {
    const ends = new Set(owed.filter(({ to }) => to === 'told').map(({ alarm }) => alarm.dedupKey))
    if (ends.size === 0) return
    // What cannot be read now is read by the next refresh.
    const alarms = await shared.alarms(mostAlarms).catch(() => [])
    await keep({ outgoing: alarms.filter(({ alarm }) => ends.has(alarm.dedupKey)) })
  }

  async function remember(commit: Commit): Promise<void> {
    // It may not know yet of spells that others have ended.
    await keep({ records: [commit.record], overrules: true })
    await journal.commit(journal.fence, commit)
    await keepEnds(commit)
  }

  return {
    ...shared,
    get fence() {
      return shared.fence
    },
    trouble: () => shared.trouble() ?? journal.trouble(),
    async entry(name) {
      const record = await shared.entry(name)
      const commit = unsure.get(name)
      unsure.delete(name)
      // It was carried out, though nobody answered; what it owed is lost with the shared store otherwise.
      if (commit !== undefined && commit.record.at === record?.at) await remember(commit)
      return record
    },
    entries: () => look((store) => store.entries()),
    alarms: (limit) => look((store) => store.alarms(limit)),
    backlog: (failedSince) => look((store) => store.backlog(failedSince)),
    timeline: (filter) => look((store) => store.timeline(filter)),

    async commit(fence, commit) {
      const { name } = commit.record
      unsure.set(name, commit)
      let written: Commit
      try {
        written = await shared.commit(fence, commit)
      } catch (error) {
        if (unsure.get(name) === commit && !isUnsure(error)) unsure.delete(name)
        throw error
      }
      // Otherwise the journal has it by now, and may be ahead of it.
      if (unsure.get(name) !== commit) return written
      unsure.delete(name)
      await remember(written)
      return written
    },

    async assume() {
      const commits = [...unsure.values()]
      unsure.clear()
      for (const commit of commits) await journal.commit(journal.fence, commit)
    },

    async claim(fence, claim) {
      const outgoing = await shared.claim(fence, claim)
      for (const one of outgoing) claimed.set(one.id, one)
      return outgoing
    },

    async settle(fence, settlements) {
      // First the journal: what was sent is known here even where Redis is gone by now.
      const outgoing = settlements.flatMap((one) => sentAs(claimed.get(one.id), one))
      await keep({ outgoing, overrules: true })
      await shared.settle(fence, settlements)
      for (const { id } of settlements) claimed.delete(id)
    },

    async refresh(before) {
      await learn()
      await journal.prune(before)
    },

    async replay(fence) {
      const [records, alarms] = [await journal.entries(), await journal.alarms(mostAlarms)]
      const outgoing = alarms.toReversed()
      const declined = await shared.adopt(fence, { records, happenings: [], outgoing })
      if (declined.length > 0) await keep({ declined })
      await learn()
    },

    async [Symbol.asyncDispose]() {
      await shared[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}

/** Whether an act that failed may have been carried out all the same: then nobody answered. */
function isUnsure(error: unknown): boolean {
  return error instanceof CoordinatorLost && (error.fault === 'unreachable' || error.fault === 'slow')
}

function sentAs(known: Outgoing | undefined, settled: Settlement): Outgoing[] {
  if (known === undefined || settled.result === 'retry') return []
  return [{ ...known, status: settled.result, settledAt: settled.at, error: settled.error ?? null }]
}
