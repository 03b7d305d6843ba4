import { alarmOf } from '../core/alarm.ts'
import { withdraw } from '../core/judge.ts'
import type { Entry } from '../core/plan.ts'
import type { EntryRecord } from '../core/store.ts'
import { connectStep } from './examine.ts'
import type { RoundPorts } from './ports.ts'
import { happeningOf } from './round.ts'
import type { Term } from './term.ts'

/**
 * Closes the books of what is no longer watched: an entry or a step that left the configuration while a problem of it
 * was raised. Whoever was told of it is told that it is no longer watched.
 */
export async function retire(
  record: EntryRecord,
  entry: Entry | null,
  ports: Pick<RoundPorts, 'clock' | 'store' | 'alarms' | 'channels'>,
  term: Term,
): Promise<void> {
  const isWatched = (step: string) =>
    entry !== null && (step === connectStep || entry.steps[step]?.on === true)
  const { after, transitions } = withdraw(record.state, ports.clock.now(), isWatched)
  if (entry !== null && transitions.length === 0) return
  const subject = { name: record.name, kind: record.kind, title: record.title, tags: entry?.tags ?? [] }
  await ports.store.commit(term, {
    record: { ...record, state: after },
    happenings: transitions.map((one) => happeningOf(record, one)),
    owed: transitions.map((one) => ({ alarm: alarmOf(subject, one), due: ports.clock.now(), to: 'told' })),
    isGone: entry === null,
  })
}
