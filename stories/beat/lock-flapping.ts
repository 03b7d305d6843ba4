import { createHash } from 'node:crypto'
import { count, duration, milliseconds, say, z } from 'healthz'
import { hasLock } from './lock.ts'
import { lockKey } from './options.ts'
import { step, storeOf } from './target.ts'

interface Seen {
  /** Of the last token that was seen. */
  readonly mark: string
  /** When another token took its place, in wall milliseconds. */
  readonly changes: readonly number[]
}

/** The lock stays with one beat. */
export const lockFlapping = step({
  title: say`the lock stays with one beat`,
  on: hasLock,
  // It is counted over an hour.
  confirm: 1,
  limits: z.strictObject({ tokenChanges: z.int().min(1).default(3), within: duration('1h') }),
  async check({ target, options, limits, now, recall, remember, grade, note, problem, cannotTell }) {
    const key = lockKey(options)
    if (key === null) return cannotTell(say`the lock is switched off`)
    const token = await storeOf(target).call('GET', key)
    const before = recall<Seen>()?.value ?? null
    const recent = (before?.changes ?? []).filter((at) => now() - at < limits.within)
    // A lock that nobody holds is told by the step `lock`; whoever takes it next may be the same again.
    const mark = typeof token === 'string' ? markOf(token) : (before?.mark ?? '')
    const isOther = before !== null && before.mark !== '' && mark !== before.mark
    const changes = isOther ? [...recent, now()] : recent
    remember({ mark, changes: changes.slice(-mostKept) } satisfies Seen)
    note(say`${count(changes.length, 'change')} of hands within ${milliseconds(limits.within)}`)
    if (grade(changes.length, { warning: limits.tokenChanges }) === null) return
    problem({
      severity: 'warning',
      summary: say`the lock went to another beat ${count(changes.length, 'time')} within ${milliseconds(limits.within)} (limit ${limits.tokenChanges})`,
      advice: say`see whether beat restarts again and again, whether two beats have other settings, and whether redbeat_lock_timeout is shorter than beat sleeps`,
      evidence: { key, changes: changes.length },
    })
  },
})

const mostKept = 100

/** Whoever knows the token could release the lock: it is not kept. */
const markOf = (token: string) => createHash('sha256').update(token).digest('hex').slice(0, 16)
