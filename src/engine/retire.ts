import { alarmOf } from '../core/alarm.ts'
import { withdraw } from '../core/judge.ts'
import type { EntryRecord } from '../core/store.ts'
import type { RoundPorts } from './ports.ts'
import { happeningOf } from './round.ts'
import type { Term } from './term.ts'

/**
 * Closes the books of an entry that is no longer watched. Whoever was told of a problem of it is told that it is no
 * longer watched.
 */
export async function retire(
  record: EntryRecord,
  { clock, store }: Pick<RoundPorts, 'clock' | 'store'>,
  term: Term,
): Promise<void> {
  const { after, transitions } = withdraw(record.state, clock.now(), () => false)
  const subject = { name: record.name, kind: record.kind, title: record.title, tags: [] }
  await store.commit(term, {
    record: { ...record, state: after },
    happenings: transitions.map((one) => happeningOf(record, one)),
    owed: transitions.map((one) => ({ alarm: alarmOf(subject, one), due: clock.now(), to: 'told' })),
    isGone: true,
  })
}
