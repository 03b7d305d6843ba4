import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import kafkaStory from '../../../stories/kafka/index.ts'
import type { Moment } from '../../../stories/kafka/pace.ts'
import { describeWith } from '../../support/needs.ts'
import { type Kafka, startKafka } from '../../support/servers/kafka.ts'
import type { KafkaAdmin } from '../../support/servers/kafka-admin.ts'
import { startFallenProgram } from '../../support/servers/kept-program.ts'
import { until } from '../../support/servers/until.ts'
import { type Teller, type Told, teller } from '../../support/teller.ts'

const minutes = 60_000

describeWith(['java'], 'the consumer groups of a Kafka', () => {
  let kafka: Kafka
  let admin: KafkaAdmin

  beforeAll(async () => {
    kafka = await startKafka({ users: { mon: 'mon-pw' } })
    admin = kafka.admin
    await admin.allow('mon', 'DESCRIBE', 'TOPIC')
    await admin.allow('mon', 'DESCRIBE', 'GROUP')
    await until('the rights hold', async () => {
      return (await tellerOf({}).tell('lost-data')).step('lost-data').outcome === 'ok'
    })
  }, 120_000)

  afterAll(() => kafka?.[Symbol.asyncDispose]())

  const tellerOf = (
    withOptions: Record<string, unknown>,
    steps: Record<string, Record<string, unknown>> = {},
  ) =>
    teller(
      kafkaStory,
      {
        brokers: [`127.0.0.1:${kafka.brokers[0]?.saslPort}`],
        user: 'mon',
        password: 'mon-pw',
        mechanism: 'PLAIN',
        ...withOptions,
      },
      steps,
    )

  /** A topic with messages, and a group that has committed in it. */
  const begin = async (name: string, messages: number, committed: number) => {
    await admin.createTopic(name)
    await admin.produce(name, messages)
    await admin.commit(name, name, committed)
    return tellerOf({ groups: [name] })
  }

  describe('their lag', () => {
    test('a group that takes nothing all through the window is told, and one that goes on is not', async () => {
      const watch = await begin('stuck', 40, 15)
      const summary =
        /^stuck has taken nothing from stuck for 1[1-4] min( \d+ s)? \(limit 10 min\) while 25 messages wait: stuck 0$/
      expect((await tellLag(watch)).step('lag').outcome).toBe('ok')
      expect((await tellLag(watch, 6)).step('lag').outcome).toBe('ok')
      const told = await tellLag(watch, 6)
      expect(told.summaries('lag')).toEqual([expect.stringMatching(summary)])
      expect(told.step('lag').findings).toMatchObject([
        { key: 'stuck/stuck', severity: 'critical', evidence: { lag: 25, members: false } },
      ])
      await admin.commit('stuck', 'stuck', 16)
      expect((await tellLag(watch, 6)).step('lag').outcome).toBe('ok')
    })

    test('a group that was up with the log once within the window is let be', async () => {
      const watch = await begin('bursts', 40, 40)
      await tellLag(watch)
      await admin.produce('bursts', 5)
      for (const age of [6, 5]) expect((await tellLag(watch, age)).step('lag').outcome).toBe('ok')
    })

    test('a group that takes less than comes falls behind', async () => {
      const watch = await begin('losing', 40, 10)
      await tellLag(watch)
      await admin.commit('losing', 'losing', 12)
      await admin.produce('losing', 5)
      await tellLag(watch, 6)
      await admin.commit('losing', 'losing', 14)
      await admin.produce('losing', 5)
      const told = await tellLag(watch, 6)
      expect(told.summaries('lag')).toEqual([
        'losing falls behind in losing: 36 messages wait, and it never caught up within 10 min: losing 0',
      ])
      expect(told.step('lag').findings).toMatchObject([{ severity: 'warning' }])
      await admin.commit('losing', 'losing', 49)
      expect((await tellLag(watch, 1)).step('lag').outcome).toBe('ok')
    })

    test('a group that goes back is told', async () => {
      const watch = await begin('back', 40, 40)
      await tellLag(watch)
      await admin.commit('back', 'back', 10)
      expect((await tellLag(watch, 1)).summaries('lag')).toEqual([
        'back has gone back in back and reads again what it had read, 30 messages in all: back 0',
      ])
      await admin.commit('back', 'back', 40)
      expect((await tellLag(watch, 1)).step('lag').outcome).toBe('ok')
    })

    test('a long lag is told at once, with where it goes', async () => {
      await begin('long', 40, 10)
      const watch = tellerOf({ groups: [{ name: 'long', lagMax: 20 }] })
      const told = await tellLag(watch)
      expect(told.summaries('lag')).toEqual([
        '30 messages of long wait for long (limit 20), seen for the first time',
      ])
      await admin.commit('long', 'long', 15)
      expect((await tellLag(watch)).summaries('lag')).toEqual([
        '25 messages of long wait for long (limit 20), 5 fewer than before',
      ])
      // It closes at 90 % of the limit.
      await admin.commit('long', 'long', 21)
      expect((await tellLag(watch)).step('lag').outcome).toBe('problem')
      await admin.commit('long', 'long', 23)
      expect((await tellLag(watch)).step('lag').outcome).toBe('ok')
    })

    test('a group that has never committed is not taken for one that has all before it', async () => {
      await admin.createTopic('fresh-start')
      await admin.produce('fresh-start', 50)
      await using _ = await admin.join('newcomer', 'fresh-start')
      const watch = tellerOf({ groups: [{ name: 'newcomer', lagMax: 1 }, 'nobody'] })
      const told = await watch.tell('lag', 'group')
      expect(told.step('lag')).toMatchObject({ outcome: 'unknown', findings: [] })
      expect(told.reason('lag')).toContain('no broker knows the group nobody')
      expect(told.summaries('group')).toEqual(['no broker knows the group nobody'])
      const alone = await tellerOf({ groups: [{ name: 'newcomer', lagMax: 1 }] }).tell('lag')
      expect(alone.reason('lag')).toBe('nothing has been committed by newcomer, so the lag is not known')
    })

    test('a topic of the group in which it has never committed is named', async () => {
      await begin('half', 3, 3)
      await admin.createTopic('other-half')
      const told = await tellerOf({ groups: [{ name: 'half', topics: ['half', 'other-half'] }] }).tell('lag')
      expect(told.reason('lag')).toBe(
        'nothing has been committed by half in other-half, so the lag is not known',
      )
    })
  })

  describe('their members', () => {
    test('a group that nobody reads for is told once it lasted', async () => {
      const watch = await begin('left', 9, 2)
      expect((await watch.tell('group')).step('group').outcome).toBe('ok')
      const seen = (leftSince: number, committed = 2) => ({
        group: { at: Date.now(), value: { left: { leftSince, committed, rebalances: [] } } },
      })
      watch.samples = seen(Date.now() - 6 * minutes)
      const told = await watch.tell('group')
      expect(told.summaries('group')).toEqual([
        expect.stringMatching(
          /^the group left has had no members for 6 min( \d s)? \(limit 5 min\) while 7 messages wait$/,
        ),
      ])
      expect(told.step('group').findings).toMatchObject([{ key: 'left', severity: 'critical' }])

      // Consumers that choose their partitions themselves are no members, but they commit.
      watch.samples = seen(Date.now() - 6 * minutes, 1)
      expect((await watch.tell('group')).step('group').outcome).toBe('ok')

      await using _ = await admin.join('left', 'left')
      watch.samples = seen(Date.now() - 6 * minutes)
      expect((await watch.tell('group')).step('group').outcome).toBe('ok')
    })

    test('a group without members and without messages is let be', async () => {
      const watch = await begin('idle', 4, 4)
      const seen = { leftSince: Date.now() - 6 * minutes, committed: 4, rebalances: [] }
      watch.samples = { group: { at: Date.now(), value: { idle: seen } } }
      expect((await watch.tell('group')).step('group').outcome).toBe('ok')
    })

    test('a group that is shaken again and again is told', async () => {
      const watch = await begin('shaken', 4, 4)
      await using _ = await admin.shake('shaken')
      await until('it rebalances', async () => {
        const told = await watch.tell('group')
        return JSON.stringify(told.step('group').notes).includes('PreparingRebalance')
      })
      await watch.tell('group')
      const told = await watch.tell('group')
      expect(told.summaries('group')).toEqual([
        expect.stringMatching(
          /^the group shaken was within a rebalance at 3 of the last \d looks \(limit 3\)$/,
        ),
      ])
      expect(told.step('group').findings).toMatchObject([{ key: 'rebalance shaken', severity: 'warning' }])
    })
  })

  describeWith(['supervisor'], 'with their consumers under supervisord', () => {
    test('consumers that fell are started again and take what waited; stopped ones are not', async () => {
      await begin('jobs', 30, 3)
      const script = fileURLToPath(new URL('../../support/servers/kafka-worker.ts', import.meta.url))
      const command = `${process.execPath} ${script} ${kafka.brokers[0]?.port} jobs jobs`
      await using kept = await startFallenProgram('worker', command)
      const watch = tellerOf({ groups: ['jobs'], worker: { ...kept.option, groups: ['jo*'] } })
      const stop = async () => {
        await tellLag(watch, 1)
        await tellLag(watch, 6)
        return await tellLag(watch, 6)
      }
      await kept.mend()
      const told = await stop()
      expect(told.step('lag').findings).toMatchObject([{ severity: 'critical', cure: { consent: 'auto' } }])
      expect((await watch.round()).healed).toContain('lag/jobs/jobs')
      await until('all was taken', async () => {
        const told = await watch.tell('lag')
        return (
          told.step('lag').outcome === 'ok' && JSON.stringify(told.step('lag').notes).includes('"count":0')
        )
      })
      await kept.reaches('RUNNING')

      await kept.stop()
      await until('the group is empty', async () => {
        const told = await watch.tell('group')
        return JSON.stringify(told.step('group').notes).includes('no members')
      })
      await admin.produce('jobs', 5)
      await expect((await stop()).cure('lag/jobs/jobs')).rejects.toMatchObject({
        reason: { template: 'somebody has stopped {0}, so it was left alone' },
      })
      expect(await kept.state()).toBe('STOPPED')
    })
  })
})

/** Tells the lag, as if all that is remembered were older by so many minutes. */
async function tellLag(watch: Pick<Teller<unknown, unknown>, 'tell' | 'samples'>, age = 0): Promise<Told> {
  const sample = watch.samples['lag']
  if (sample !== undefined) {
    const kept = sample.value as Readonly<Record<string, readonly Moment[]>>
    const value = Object.fromEntries(
      Object.entries(kept).map(([place, moments]) => [
        place,
        moments.map(([at, committed, lag]) => [at - age * minutes, committed, lag]),
      ]),
    )
    watch.samples = { lag: { at: sample.at, value } }
  }
  return await watch.tell('lag')
}
