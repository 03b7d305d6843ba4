import { CannotTell, milliseconds, type Problem, type RedisConnection, say, type Text } from 'healthz'
import { untold } from './key-lengths.ts'
import { momentOf } from './moment.ts'
import type { RedisOptions } from './options.ts'
import { type RedisTarget, step } from './target.ts'

/** Each of the configured keys was written a short while ago. */
export const keyFresh = step({
  title: say`what is written again and again was written of late`,
  on: ({ fresh }) => fresh.length > 0,
  async check({ target, options, now, note, problem, cannotTell }) {
    const blank: Text[] = []
    await Promise.all(
      options.fresh.map(async (asked) => {
        try {
          const found = await ageOf(target, asked, now)
          if (typeof found === 'number') note(say`${asked.key} was written ${milliseconds(found)} ago`)
          else note(say`${asked.key} is ${found === 'missing' ? say`missing` : say`there for ever`}`)
          const fault = faultOf(asked, found)
          if (fault !== null) problem(fault)
        } catch (error) {
          blank.push(untold(asked.key, error))
        }
      }),
    )
    if (blank.length > 0) cannotTell(say`${blank}`)
  },
})

type Asked = RedisOptions['fresh'][number]

/** How long ago it was written, in milliseconds; `endless` where it should expire and never does. */
type Age = number | 'missing' | 'endless'

async function ageOf(target: RedisTarget, asked: Asked, now: () => number): Promise<Age> {
  const node = await target.holderOf(asked.key)
  return asked.timeout === undefined ? ageByTime(node, asked, now) : ageByRest(node, asked.key, asked.timeout)
}

/** What is left of its time to live says when that began. Redis says -2 for a missing key, -1 for one without. */
async function ageByRest(node: RedisConnection, key: string, timeout: number): Promise<Age> {
  const left = Number(await node.call('PTTL', key))
  if (left === -2) return 'missing'
  if (left === -1) return 'endless'
  if (left > timeout)
    throw new CannotTell(
      say`it has ${milliseconds(left)} left to live, more than the ${milliseconds(timeout)} that it should be written with`,
    )
  return timeout - left
}

async function ageByTime(node: RedisConnection, { key, field }: Asked, now: () => number): Promise<Age> {
  const value = field === undefined ? await node.call('GET', key) : await node.call('HGET', key, field)
  if (value === null) return 'missing'
  const at = momentOf(String(value))
  if (at === null) throw new CannotTell(say`what it holds is no time`)
  const age = now() - at
  if (age < -tolerance)
    throw new CannotTell(say`its time lies ${milliseconds(-age)} ahead: a clock is wrong, or it is no time`)
  return Math.max(0, age)
}

/** So far may two clocks be apart, in milliseconds. */
const tolerance = 60_000

function faultOf({ key, maxAge, allowEmpty, writer }: Asked, age: Age): Problem | null {
  const advice =
    writer === undefined
      ? say`see whether the job that writes it runs, and in its log why it does not`
      : say`see whether ${writer} runs, which writes it, and in its log why it does not`
  if (age === 'missing') {
    if (allowEmpty) return null
    const summary = say`${key} is missing: what should write it has not done so for long, or never`
    return { key, severity: 'critical', summary, advice, evidence: { key, ageMs: null } }
  }
  if (age === 'endless') {
    return {
      key,
      severity: 'warning',
      summary: say`${key} never expires, although it should: nobody can tell how old it is`,
      advice: say`something writes it without a time to live, or took that away (PERSIST, SET): find out what`,
      evidence: { key, ageMs: null },
    }
  }
  if (age <= maxAge) return null
  const summary = say`${key} was last written ${milliseconds(age)} ago (limit ${milliseconds(maxAge)})`
  return { key, severity: 'warning', summary, advice, evidence: { key, ageMs: age, limitMs: maxAge } }
}
