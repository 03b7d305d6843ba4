import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import kafkaStory from '../../../stories/kafka/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Kafka, startKafka } from '../../support/servers/kafka.ts'
import { startListening } from '../../support/servers/listening.ts'
import { until } from '../../support/servers/until.ts'
import { startZookeeper, type Zookeeper } from '../../support/servers/zookeeper.ts'
import { teller } from '../../support/teller.ts'

describeWith(['java'], 'the ZooKeeper beside a Kafka', () => {
  let kafka: Kafka
  let zookeeper: Zookeeper

  beforeAll(async () => {
    ;[kafka, zookeeper] = await Promise.all([startKafka(), startZookeeper({ servers: 3 })])
  }, 120_000)

  afterAll(async () => {
    await Promise.all([kafka?.[Symbol.asyncDispose](), zookeeper?.[Symbol.asyncDispose]()])
  })

  const tell = (ports: readonly number[]) =>
    teller(kafkaStory, {
      brokers: [`127.0.0.1:${kafka.brokers[0]?.port}`],
      zookeeper: ports.map((port) => `127.0.0.1:${port}`),
    }).tell('zookeeper')

  test('an ensemble is well as long as it has a leader', async () => {
    const ports = zookeeper.servers.map(({ port }) => port)
    const [first, second] = zookeeper.servers
    await until('it has a leader', async () => (await tell(ports)).step('zookeeper').outcome === 'ok', {
      deadline: 30_000,
    })
    await first?.kill()
    const one = await until(
      'the others have a leader',
      async () => {
        const told = await tell(ports)
        return told.step('zookeeper').findings.length === 1 && told
      },
      { deadline: 30_000 },
    )
    expect(one.summaries('zookeeper')).toEqual([`nothing listens on 127.0.0.1:${first?.port}`])
    expect(one.step('zookeeper').findings).toMatchObject([{ severity: 'warning' }])

    await second?.kill()
    const two = await until(
      'the last one knows that it is alone',
      async () => {
        const told = await tell(ports)
        return told.step('zookeeper').findings.length === 3 && told
      },
      { deadline: 30_000 },
    )
    expect(two.summaries('zookeeper')).toContain(
      'no server of ZooKeeper leads, so brokers lose their sessions',
    )
    expect(two.step('zookeeper').findings).toContainEqual(
      expect.objectContaining({ key: '', severity: 'critical' }),
    )
  })

  test('one that may not say how it is is unknown, not down, and another service is no ZooKeeper', async () => {
    const answering = (text: string) =>
      startListening(() => ({ server: createServer((socket) => socket.on('error', () => {}).end(text)) }))
    // The servers of today always allow srvr.
    await using silent = await answering('srvr is not executed because it is not in the whitelist.\n')
    const told = await tell([silent.port])
    expect(told.step('zookeeper')).toMatchObject({ outcome: 'unknown', findings: [] })
    expect(told.reason('zookeeper')).toContain('4lw.commands.whitelist=srvr')

    await using web = await answering('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect((await tell([web.port])).summaries('zookeeper')[0]).toContain('speaks another protocol')
  })

  test('one that hangs is told as hanging', async () => {
    const last = zookeeper.servers[2]
    last?.freeze()
    try {
      const told = await tell([last?.port ?? 0])
      expect(told.summaries('zookeeper')[0]).toContain('accepts TCP but does not answer')
    } finally {
      last?.thaw()
    }
  })
})
