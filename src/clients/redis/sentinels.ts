import { setTimeout as delay } from 'node:timers/promises'
import { ConnectionFailure } from '../../core/failure.ts'
import { CannotTell } from '../../core/story.ts'
import { say } from '../../core/text.ts'
import type { RedisConnection } from './connection.ts'
import { givenUpWith, type LazyRedis, mostTelling } from './lazy.ts'
import { addressAt } from './place.ts'

/** How long the others are waited for when the first sentinel has answered: one that is cut off may answer first. */
const grace = 150

/**
 * `host:port` of the master that the sentinels name. Where they disagree, the one that took part in the latest failover
 * is right.
 * @throws ConnectionFailure where no sentinel answers, or none knows the master
 */
export function findMaster(
  sentinels: readonly LazyRedis[],
  name: string,
  signal: AbortSignal,
): Promise<string> {
  return givenUpWith(signal, sentinels, async () => {
    const answers: Answer[] = []
    const asked = sentinels.map(async (sentinel) => {
      answers.push(await askForMaster(sentinel, name))
    })
    try {
      await Promise.any(asked)
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
      throw mostTelling(errors.filter((each) => each instanceof ConnectionFailure)) ?? errors[0]
    }
    await Promise.race([Promise.allSettled(asked), delay(grace)])
    return agreed(answers, name)
  })
}

interface Answer {
  readonly sentinel: RedisConnection
  readonly master: string
}

async function askForMaster(sentinel: LazyRedis, name: string): Promise<Answer> {
  const reached = await sentinel.reach()
  if (reached instanceof ConnectionFailure) throw reached
  const reply = await asSentinel(reached, reached.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name))
  const [host, port] = Array.isArray(reply) ? reply : []
  if (typeof host === 'string' && typeof port === 'string')
    return { sentinel: reached, master: addressAt(host, port) }
  throw new ConnectionFailure('not-found', reached.address, {
    detail: say`the sentinel watches no master named ${name}`,
  })
}

/** A server that is no sentinel does not know the command. */
async function asSentinel<Reply>({ address }: RedisConnection, asking: Promise<Reply>): Promise<Reply> {
  try {
    return await asking
  } catch (error) {
    if (!(error instanceof CannotTell)) throw error
    throw new ConnectionFailure('protocol', address, {
      detail: say`it is a Redis, and no Sentinel`,
      advice: say`name the sentinels under "sentinels": they listen on a port of their own, mostly 26379`,
    })
  }
}

async function agreed(answers: readonly Answer[], name: string): Promise<string> {
  const [first] = answers
  if (first === undefined) throw new TypeError('one has answered')
  if (answers.every(({ master }) => master === first.master)) return first.master
  const dated = await Promise.all(
    answers.map(async ({ sentinel, master }) => ({ master, epoch: await epochOf(sentinel, name) })),
  )
  return dated.reduce((best, answer) => (answer.epoch > best.epoch ? answer : best)).master
}

/** The number of the latest failover that a sentinel knows of; 0 where it may not be asked. */
async function epochOf(sentinel: RedisConnection, name: string): Promise<number> {
  const reply = await sentinel.call('SENTINEL', 'MASTER', name).catch(() => [])
  const fields: readonly unknown[] = Array.isArray(reply) ? reply : []
  return Number(fields[fields.indexOf('config-epoch') + 1]) || 0
}
