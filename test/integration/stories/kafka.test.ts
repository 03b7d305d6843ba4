import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import kafkaStory from '../../../stories/kafka/index.ts'
import { rightsOf, wordsOf } from '../../support/guide-rights.ts'
import { describeWith } from '../../support/needs.ts'
import { type Kafka, kafkaAcls, startKafka } from '../../support/servers/kafka.ts'
import type { KafkaAdmin } from '../../support/servers/kafka-admin.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['java'], 'a Kafka of one broker, seen with the least rights', () => {
  let kafka: Kafka
  let admin: KafkaAdmin

  beforeAll(async () => {
    kafka = await startKafka({ users: { healthz: 'mon-pw' } })
    admin = kafka.admin
    // The commands of the guide, as they stand there.
    await Promise.all(rightsOf(kafkaStory.guide, '').map((command) => kafkaAcls(kafka, wordsOf(command))))
    await admin.createTopic('orders', { partitions: 2 })
    await admin.produce('orders', 10)
    await admin.commit('billing', 'orders', 10)
    // The ACLs are true a moment after they were made.
    await until('the rights hold', async () => {
      const told = await tellerOf({ groups: ['billing'] }).tell()
      return Object.values(told.steps).every(({ outcome }) => outcome === 'ok')
    })
  }, 120_000)

  afterAll(() => kafka?.[Symbol.asyncDispose]())

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) =>
    teller(
      kafkaStory,
      {
        brokers: [`127.0.0.1:${kafka.brokers[0]?.saslPort}`],
        user: 'healthz',
        password: 'mon-pw',
        mechanism: 'PLAIN',
        ...withOptions,
      },
      steps,
    )

  test('all is well, as far as these rights show it, and that is all of it', async () => {
    const told = await tellerOf({ groups: ['billing'], fresh: ['orders'] }, { 'leader-skew': {} }).tell()
    const outcomes = Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(outcomes.toSorted()).toEqual(
      [
        ...['connect', 'brokers', 'offline', 'under-replicated', 'under-min-isr', 'lag', 'lost-data'],
        ...['group', 'fresh', 'controller', 'leader-skew'],
      ]
        .map((step) => `${step} ok`)
        .toSorted(),
    )
  })

  describe('without one of the rights', () => {
    const cases = [
      {
        operation: 'DESCRIBE',
        kind: 'TOPIC',
        steps: ['offline', 'under-replicated', 'under-min-isr', 'lost-data', 'lag', 'fresh', 'leader-skew'],
        says: 'User:healthz may not see the topics',
      },
      {
        operation: 'DESCRIBE_CONFIGS',
        kind: 'TOPIC',
        steps: ['under-min-isr'],
        says: 'kafka-acls --add --allow-principal User:healthz --operation DescribeConfigs',
      },
      {
        operation: 'DESCRIBE',
        kind: 'GROUP',
        steps: ['lag', 'group'],
        says: '--operation Describe --group billing',
      },
      {
        operation: 'DESCRIBE',
        kind: 'CLUSTER',
        steps: ['controller'],
        says: '--operation Describe --cluster',
      },
    ] as const
    for (const { operation, kind, steps, says } of cases) {
      test(`${operation} of ${kind}: what it hides is unknown, never ok`, async () => {
        await admin.forbid('healthz', operation, kind)
        try {
          const watch = tellerOf({ groups: ['billing'], fresh: ['orders'] }, { 'leader-skew': {} })
          const told = await until('it holds no more', async () => {
            const told = await watch.tell()
            return told.step(steps[0]).outcome === 'unknown' && told
          })
          for (const step of steps) {
            expect(told.step(step).outcome, step).toBe('unknown')
            expect(told.reason(step), step).toContain(says)
          }
          expect(told.step('connect').outcome).toBe('ok')
        } finally {
          await admin.allow('healthz', operation, kind)
        }
        await until('it holds again', async () => {
          const told = await tellerOf({ groups: ['billing'] }).tell()
          return Object.values(told.steps).every(({ outcome }) => outcome === 'ok')
        })
      })
    }

    test('groups that may not be seen are not taken for none', async () => {
      await admin.forbid('healthz', 'DESCRIBE', 'GROUP')
      try {
        await until('it holds no more', async () => {
          const told = await tellerOf().tell('lost-data')
          return told.reason('lost-data').includes("--operation Describe --group '*'")
        })
      } finally {
        await admin.allow('healthz', 'DESCRIBE', 'GROUP')
      }
    })
  })

  test('topics that the entry does not watch need no right', async () => {
    await admin.forbid('healthz', 'DESCRIBE', 'TOPIC')
    await admin.allow('healthz', 'DESCRIBE', 'TOPIC', 'orders')
    try {
      const watch = tellerOf({ topics: ['orders'] })
      await until(
        'the topic is seen',
        async () => (await watch.tell('offline')).step('offline').outcome === 'ok',
      )
      const told = await watch.tell('offline', 'under-replicated')
      expect(told.step('under-replicated').outcome).toBe('ok')
    } finally {
      await admin.forbid('healthz', 'DESCRIBE', 'TOPIC', 'orders')
      await admin.allow('healthz', 'DESCRIBE', 'TOPIC')
    }
    await until(
      'all is seen again',
      async () => (await tellerOf().tell('offline')).step('offline').outcome === 'ok',
    )
  })

  test('a topic that was named and is not there is told', async () => {
    const told = await tellerOf({ topics: ['orders', 'invoices'] }).tell('offline')
    expect(told.summaries('offline')).toEqual(['the topic invoices does not exist'])
  })

  test('messages that retention deleted before they were read are told with how many', async () => {
    await admin.createTopic('short')
    await admin.produce('short', 20)
    await admin.commit('slow', 'short', 5)
    expect((await tellerOf().tell('lost-data')).step('lost-data').outcome).toBe('ok')
    await admin.deleteRecords('short', 12)
    const summary = '7 messages of short were deleted before the group slow read them: short 0'
    const told = await tellerOf().tell('lost-data')
    expect(told.summaries('lost-data')).toEqual([summary])
    // Nobody reads and nobody named it: it may be a group that was left behind.
    expect(told.step('lost-data').findings).toMatchObject([{ key: 'slow/short', severity: 'warning' }])
    const watched = await tellerOf({ groups: ['slow'] }).tell('lost-data')
    expect(watched.step('lost-data').findings).toMatchObject([{ severity: 'critical' }])
    expect((await tellerOf({ ignoreGroups: ['sl*'] }).tell('lost-data')).step('lost-data').outcome).toBe('ok')
    await admin.commit('slow', 'short', 12)
    expect((await tellerOf().tell('lost-data')).step('lost-data').outcome).toBe('ok')
  })

  test('fewer replicas than producers ask for are told', async () => {
    await admin.createTopic('ledger', { configs: { 'min.insync.replicas': '1' } })
    const watch = tellerOf({ topics: ['ledger'] })
    expect((await watch.tell('under-min-isr')).step('under-min-isr').outcome).toBe('ok')
    await admin.configure('ledger', { 'min.insync.replicas': '2' })
    // The settings are read once an hour.
    expect((await watch.tell('under-min-isr')).step('under-min-isr').outcome).toBe('ok')
    const sample = watch.samples['under-min-isr']
    const kept = sample?.value as { at: number }
    watch.samples = { 'under-min-isr': { at: Date.now(), value: { ...kept, at: kept.at - 3_600_000 } } }
    const told = await watch.tell('under-min-isr')
    expect(told.summaries('under-min-isr')).toEqual([
      'messages of careful producers (acks=all) are refused by 1 partition: ledger 0; ledger has 1 in sync and needs 2',
    ])
    expect(told.step('under-min-isr').findings).toMatchObject([{ severity: 'critical' }])
    // Before it alarms it looks again, so a limit that was lowered is believed at once.
    await admin.configure('ledger', { 'min.insync.replicas': '1' })
    await until('the limit is lowered', async () => {
      return (await watch.tell('under-min-isr')).step('under-min-isr').outcome === 'ok'
    })
  })

  describe('the freshness of a topic', () => {
    const minutes = 60_000

    test('old messages are told, and new ones end it', async () => {
      await admin.createTopic('beats')
      await admin.produce('beats', 3, { at: Date.now() - 20 * minutes })
      const watch = tellerOf({ fresh: ['beats'] })
      const told = await watch.tell('fresh')
      expect(told.summaries('fresh')).toEqual([
        expect.stringMatching(/^the newest message of beats is 20 min( \d+ s)? old \(limit 10 min\)$/),
      ])
      expect(told.step('fresh').findings).toMatchObject([{ severity: 'critical', evidence: { end: 3 } }])
      await admin.produce('beats', 1)
      expect((await watch.tell('fresh')).step('fresh').outcome).toBe('ok')
    })

    test('a topic that stands still is told once it lasted', async () => {
      await admin.createTopic('ticks')
      await admin.produce('ticks', 2)
      const watch = tellerOf({ fresh: ['ticks'] })
      expect((await watch.tell('fresh')).step('fresh').outcome).toBe('ok')
      watch.samples = {
        fresh: { at: Date.now(), value: { ticks: { end: 2, since: Date.now() - 6 * minutes } } },
      }
      const told = await watch.tell('fresh')
      expect(told.summaries('fresh')).toEqual([
        expect.stringMatching(/^nothing has come into ticks for 6 min( \d s)? \(limit 5 min\)$/),
      ])
      expect(told.step('fresh').findings).toMatchObject([{ severity: 'warning' }])
      await admin.produce('ticks', 1)
      expect((await watch.tell('fresh')).step('fresh').outcome).toBe('ok')
    })

    test('in quiet hours nothing need come, and a topic must exist all the same', async () => {
      const hour = new Date().getUTCHours()
      const around = (from: number, to: number) =>
        [from, to].map((at) => `${String((at + 24) % 24).padStart(2, '0')}:00`).join('-')
      await admin.createTopic('night')
      await admin.produce('night', 1, { at: Date.now() - 60 * minutes })
      const tell = (quietHours: string) =>
        tellerOf({ fresh: ['night', 'gone'] }, { fresh: { quietHours } }).tell('fresh')
      expect((await tell(around(hour - 1, hour + 2))).summaries('fresh')).toEqual([
        'the topic gone does not exist',
      ])
      expect((await tell(around(hour + 3, hour + 5))).summaries('fresh')).toHaveLength(2)
    })
  })
})
