import { afterAll, beforeAll, expect, test } from 'vitest'
import { render } from '../../../src/core/text.ts'
import kafkaStory from '../../../stories/kafka/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Kafka, type KafkaBroker, startKafka } from '../../support/servers/kafka.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

/** Each test leaves the cluster as it found it, but the last one. */
describeWith(['java'], 'a Kafka of three brokers', () => {
  let kafka: Kafka

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3, users: { mon: 'mon-pw' } })
    const { admin } = kafka
    for (const kind of ['TOPIC', 'GROUP', 'CLUSTER'] as const) await admin.allow('mon', 'DESCRIBE', kind)
    await admin.allow('mon', 'DESCRIBE_CONFIGS', 'TOPIC')
    await admin.createTopic('safe', {
      assignments: [
        [1, 2, 3],
        [2, 3, 1],
        [3, 1, 2],
      ],
      configs: { 'min.insync.replicas': '2' },
    })
    await admin.createTopic('strict', { assignments: [[1, 2, 3]], configs: { 'min.insync.replicas': '3' } })
    await admin.createTopic('lone', { assignments: [[1], [2], [3]] })
    await admin.produce('safe', 20, { partition: 2 })
    await admin.commit('billing', 'safe', 20, 2)
  }, 120_000)

  afterAll(() => kafka?.[Symbol.asyncDispose]())

  const broker = (id: number): KafkaBroker => {
    const found = kafka.brokers.find((each) => each.id === id)
    if (found === undefined) throw new Error(`no broker ${id}`)
    return found
  }

  const tellerOf = (
    withOptions: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) =>
    teller(
      kafkaStory,
      {
        brokers: kafka.brokers.map(({ saslPort }) => `127.0.0.1:${saslPort}`),
        user: 'mon',
        password: 'mon-pw',
        mechanism: 'PLAIN',
        ...withOptions,
      },
      steps,
    )

  const isWell = (told: Told) => Object.values(told.steps).every(({ outcome }) => outcome === 'ok')

  /** Waits until a fresh look finds nothing wrong. */
  const allWell = () =>
    until(
      'all is well',
      async () => isWell(await tellerOf({}, { 'under-replicated': { after: '0s' } }).tell()),
      {
        deadline: 40_000,
      },
    )

  test('a broker that is lost is told by each step with its own figures, and its return ends it', async () => {
    await allWell()
    const watch = tellerOf({ groups: ['billing'] }, { 'under-replicated': { after: '0s' } })
    await watch.tell()
    await broker(3).kill()
    const told = await until(
      'its loss is known',
      async () => {
        const told = await watch.tell()
        return (
          told.step('brokers').outcome === 'problem' &&
          told.step('under-min-isr').outcome === 'problem' &&
          told
        )
      },
      { deadline: 30_000 },
    )
    expect(told.summaries('connect')).toEqual([`nothing listens on 127.0.0.1:${broker(3).saslPort}`])
    expect(told.summaries('brokers')).toEqual(['only 2 brokers of 3, missing: 3'])
    expect(told.summaries('offline')).toEqual([
      '1 of 8 partitions without a leader, so that nobody can use them: lone 2',
    ])
    const [lacking] = told.summaries('under-replicated')
    expect(lacking).toMatch(/^5 of 8 partitions without all replicas for .+ \(limit 0 ms\): /)
    for (const topic of ['safe 0, 1, 2', 'strict 0', '__consumer_offsets 0']) expect(lacking).toContain(topic)
    expect(told.step('under-replicated').findings[0]).toMatchObject({
      severity: 'warning',
      evidence: { partitions: 5, brokers: '3: 5' },
    })
    expect(told.summaries('under-min-isr')).toEqual([
      'messages of careful producers (acks=all) are refused by 1 partition: strict 0; strict has 2 in sync and needs 3',
    ])
    const severities = ['brokers', 'offline', 'under-min-isr'].map(
      (step) => told.step(step).findings[0]?.severity,
    )
    expect(severities).toEqual(['critical', 'critical', 'critical'])
    // What the other two hold can still be judged, once one of them has loaded what the group committed.
    await until('the lag is known', async () => (await watch.tell('lag')).step('lag').outcome === 'ok')
    // One that was just lost is no news for a limit of five minutes.
    expect((await tellerOf().tell('under-replicated')).step('under-replicated').outcome).toBe('ok')
    expect((await tellerOf({ expectBrokers: 2 }).tell('brokers')).step('brokers').outcome).toBe('ok')

    const behind = await until(
      'the voter is missed',
      async () => {
        const told = await watch.tell('controller')
        return told.step('controller').outcome === 'problem' && told
      },
      { deadline: 30_000 },
    )
    expect(behind.summaries('controller')).toEqual([
      'of 3 voters of the controllers 2 follow (needed 2); behind for more than 10 s: 3',
    ])
    expect(behind.step('controller').findings[0]).toMatchObject({ severity: 'warning' })

    await broker(3).restart()
    await allWell()
  }, 90_000)

  test('a broker that hangs is told as hanging, and what moves to it is no fault', async () => {
    await allWell()
    await kafka.admin.createTopic('moving', { assignments: [[1]] })
    const watch = tellerOf({ groups: ['billing'] })
    const [note] = (await watch.tell()).step('controller').notes
    // A broker that waits for the controller that was takes no orders for half a minute.
    const victim = render(note ?? '').startsWith('controller 2 ') ? 3 : 2
    broker(victim).freeze()
    try {
      const told = await watch.tell()
      expect(told.summaries('connect')[0]).toContain(
        `127.0.0.1:${broker(victim).saslPort} accepts TCP but does not answer`,
      )
      for (const { took } of Object.values(told.steps)) expect(took).toBeLessThan(9500)
      const known = await until(
        'its loss is known',
        async () => {
          const told = await watch.tell('brokers')
          return told.step('brokers').outcome === 'problem' && told
        },
        { deadline: 30_000 },
      )
      expect(known.summaries('brokers')).toEqual([`only 2 brokers of 3, missing: ${victim}`])

      const mover = tellerOf({ topics: ['moving'] }, { 'under-replicated': { after: '0s' } })
      await kafka.admin.move('moving', [1, victim])
      const moved = await until('it moves', async () => {
        const told = await mover.tell('under-replicated')
        return JSON.stringify(told.step('under-replicated').notes).includes('on the way') && told
      })
      expect(moved.step('under-replicated').outcome).toBe('ok')
    } finally {
      broker(victim).thaw()
    }
    await allWell()
  }, 90_000)

  test('leaders that are not the preferred ones are told once it lasted, and elected again', async () => {
    const skewed = { warnPct: 10, after: '0s' }
    await kafka.admin.createTopic('even', {
      assignments: [
        [1, 2],
        [2, 3],
      ],
    })
    const watch = tellerOf({ topics: ['even'] }, { 'leader-skew': skewed })
    expect((await watch.tell('leader-skew')).step('leader-skew').outcome).toBe('ok')
    await broker(1).kill()
    await until(
      'others lead',
      async () => {
        return (await watch.tell('brokers', 'offline')).step('brokers').outcome === 'problem'
      },
      { deadline: 30_000 },
    )
    await broker(1).restart()
    const told = await until(
      'it is in sync again',
      async () => {
        const told = await watch.tell('leader-skew')
        return told.step('leader-skew').outcome === 'problem' && told
      },
      { deadline: 30_000 },
    )
    expect(told.summaries('leader-skew')).toEqual([
      '50 % of the partitions are not led by their preferred brokers (limit 10 %): 1 of 2',
    ])
    expect(told.step('leader-skew').findings[0]).toMatchObject({ cure: { consent: 'ask' } })
    const patient = tellerOf({ topics: ['even'] }, { 'leader-skew': { ...skewed, after: '30m' } })
    expect((await patient.tell('leader-skew')).step('leader-skew').outcome).toBe('ok')
    await expect(told.cure('leader-skew')).rejects.toMatchObject({
      reason: { template: expect.stringContaining('--operation Alter --cluster') },
    })
    await kafka.admin.allow('mon', 'ALTER', 'CLUSTER')
    await until('the right holds', async () => {
      const told = await watch.tell('leader-skew')
      if (told.step('leader-skew').outcome === 'ok') return true
      await told.cure('leader-skew').catch(() => {})
      return false
    })
  }, 90_000)

  test('without most of its controllers it is told that nothing leads', async () => {
    await allWell()
    const watch = tellerOf({ brokers: [`127.0.0.1:${broker(1).saslPort}`] })
    await Promise.all([broker(2).kill(), broker(3).kill()])
    const told = await until(
      'no controller leads',
      async () => {
        const told = await watch.tell('controller', 'connect', 'lost-data')
        return told.step('controller').outcome === 'problem' && told
      },
      { deadline: 40_000 },
    )
    expect(told.summaries('controller')).toEqual([
      'no controller leads: topics, leaders and settings cannot change',
    ])
    expect(told.step('controller').findings[0]).toMatchObject({ severity: 'critical' })
    expect(told.step('controller').took).toBeLessThan(9500)
    // What waits for a controller does not hold up what any broker can say.
    expect(told.summaries('connect')).toHaveLength(2)
  }, 60_000)
})
