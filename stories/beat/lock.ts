import { duration, milliseconds, say, z } from 'healthz'
import { isRedbeat, lockKey, type Options } from './options.ts'
import { startBeat, startTitle } from './start-beat.ts'
import { type Store, step, storeOf } from './target.ts'

export const hasLock = (options: Options) => isRedbeat(options) && lockKey(options) !== null

/** One beat holds the lock, and another could take it over. Nobody deletes it: that would end the beat that holds it. */
export const lock = step({
  title: say`a beat holds the lock`,
  on: hasLock,
  // It has lasted for minutes, or is a fact.
  confirm: 1,
  cures: [{ title: startTitle, consent: 'auto' }],
  limits: z.strictObject({ absent: duration('2m') }),
  async check({ target, options, limits, now, recall, remember, note, problem, cannotTell }) {
    const key = lockKey(options)
    if (key === null) return cannotTell(say`the lock is switched off`)
    const store = storeOf(target)
    const [left, { size }] = await Promise.all([lifeOf(store, key), store.schedule()])
    const since = left === gone ? (recall<number | null>()?.value ?? now()) : null
    remember(since)
    if (left === endless) {
      problem({
        severity: 'critical',
        summary: say`the lock ${key} never ends: when the beat that holds it dies, no other can take over`,
        advice: say`find out who took its expiry away (PERSIST, or a restored copy); give it one again: PEXPIRE ${key} 1500000. Do not delete it: the beat that holds it would end`,
        evidence: { key },
      })
      return
    }
    if (since === null) {
      note(say`the lock is held for ${milliseconds(left)} more`)
      return
    }
    const age = now() - since
    note(say`nobody has held the lock for ${milliseconds(age)}`)
    if (age < limits.absent) return
    problem({
      severity: 'critical',
      summary: say`no beat has held the lock ${key} for ${milliseconds(age)} (limit ${milliseconds(limits.absent)}), and ${size} entries wait for one`,
      advice: say`start beat; its log says why it ended`,
      evidence: { key, since, entries: size },
      ...startBeat(options, async () => (await lifeOf(store, key)) === gone),
    })
  },
})

/** What PTTL says of a key that is not there, and of one that never ends. */
const [gone, endless] = [-2, -1]

async function lifeOf(store: Store, key: string): Promise<number> {
  return Number(await store.call('PTTL', key))
}
