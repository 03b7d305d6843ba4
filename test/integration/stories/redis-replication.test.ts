import { expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { type Told, teller } from '../../support/teller.ts'

const atOnce = { grace: '0s', linkDown: '0s' }

describeWith(['redis'], 'redis: replication', () => {
  test('a replica without its master is critical, but not right after its start', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const watch = teller(redisStory, { url: replica.url }, { replication: atOnce })
    const patient = teller(redisStory, { url: replica.url }, { replication: { linkDown: '0s' } })
    expect((await watch.tell('replication')).step('replication').outcome).toBe('ok')
    await master.kill()
    const told = await problemOf(watch, 'replication')
    expect(told.step('replication').findings).toMatchObject([
      { key: `link/127.0.0.1:${replica.port}`, severity: 'critical' },
    ])
    expect(told.summaries('replication')[0]).toMatch(
      /has had no link to its master 127.0.0.1:\d+ for .+ \(limit 0 ms\)$/,
    )
    expect((await patient.tell('replication')).step('replication').outcome).toBe('ok')
    await master.restart()
    await until('it follows again', async () => {
      return (await watch.tell('replication')).step('replication').outcome === 'ok'
    })
  })

  test('a replica that never reached its master is counted from its start', async () => {
    await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1 1'] })
    const watch = teller(redisStory, { url: replica.url }, { replication: { ...atOnce, linkDown: '1s' } })
    const told = await problemOf(watch, 'replication')
    expect(told.summaries('replication')[0]).toContain('has had no link to its master 127.0.0.1:1 for')
  })

  test('a copy of the data that takes too long is a warning, and no lost link', async () => {
    await using master = await startRedis({ args: ['--rdb-key-save-delay', '100'] })
    await master.cli('debug', 'populate', 60_000)
    // The harness would wait for the link of a `replicaOf`.
    await using copying = await startRedis({ args: ['--replicaof', `127.0.0.1 ${master.port}`] })
    const watch = teller(redisStory, { url: copying.url }, { replication: { ...atOnce, syncMax: '0s' } })
    const told = await until('it copies', async () => {
      const answer = await watch.tell('replication')
      return answer.steps['replication']?.findings[0]?.key.startsWith('sync/') === true && answer
    })
    expect(told.step('replication').findings[0]?.severity).toBe('warning')
  })

  test('a replica that falls behind is a warning, with the figures', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const limits = { ...atOnce, lagMiB: 0.5, lag: '1s' }
    const watch = teller(redisStory, { url: master.url }, { replication: limits })
    expect((await watch.tell('replication')).step('replication').outcome).toBe('ok')
    replica.freeze()
    await problemOf(watch, 'replication')
    await master.cli('set', 'much', 'x'.repeat(1_000_000))
    const told = await watch.tell('replication')
    const [finding] = told.step('replication').findings
    expect(finding).toMatchObject({ key: `lag/127.0.0.1:${replica.port}`, severity: 'warning', confirm: 3 })
    expect(told.summaries('replication')[0]).toMatch(/is 97\d KiB behind its master \(limit 512 KiB\)$/)
    replica.thaw()
    await until('it caught up', async () => {
      return (await watch.tell('replication')).step('replication').outcome === 'ok'
    })
  })

  test('replicas are counted where their number is expected', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const options = { url: master.url, expectReplicas: 2 }
    const watch = teller(redisStory, options, { replication: atOnce })
    // A replica that says it is in step is counted only when its master has heard so.
    await until('the replica is counted', async () => {
      const [told] = (await watch.tell('replication')).summaries('replication')
      return told === `127.0.0.1:${master.port} has 1 of 2 replicas`
    })
    expect((await teller(redisStory, options).tell('replication')).step('replication').outcome).toBe('ok')
    await using _second = await startRedis({ replicaOf: replica })
    await using _third = await startRedis({ replicaOf: master })
    await until('both are counted', async () => {
      return (await watch.tell('replication')).step('replication').outcome === 'ok'
    })
  })

  test('every configured node is looked at', async () => {
    await using master = await startRedis()
    await using lost = await startRedis({ args: ['--replicaof', '127.0.0.1 1'] })
    const watch = teller(
      redisStory,
      { url: master.url, replicas: [lost.url] },
      { replication: { ...atOnce, linkDown: '1s' } },
    )
    const told = await problemOf(watch, 'replication')
    expect(told.step('replication').findings[0]?.key).toBe(`link/127.0.0.1:${lost.port}`)
  })
})

describeWith(['redis'], 'redis: roles', () => {
  test('one master among its replicas, or a lone replica, is as it should be', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const both = teller(redisStory, { url: replica.url, replicas: [master.url] })
    expect((await both.tell('roles')).step('roles').outcome).toBe('ok')
    const alone = teller(redisStory, { url: replica.url })
    expect((await alone.tell('roles')).step('roles').outcome).toBe('ok')
  })

  test('two masters are critical, and the one that nobody follows can be made to follow the other', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    await using stale = await startRedis()
    await stale.cli('set', 'only-here', 1)
    const login = await loginOfGuide(master, replica, stale)
    const watch = teller(redisStory, { url: master.url, replicas: [stale.url, replica.url], ...login })
    const told = await watch.tell('roles')
    expect(told.summaries('roles')).toEqual([
      `2 nodes take writes as masters: 127.0.0.1:${master.port}, 127.0.0.1:${stale.port}`,
    ])
    expect(told.step('roles').findings[0]).toMatchObject({ severity: 'critical', cure: { consent: 'ask' } })
    await told.cure('roles')
    expect((await watch.tell('roles')).step('roles').outcome).toBe('ok')
    expect(String(await stale.cli('info', 'replication'))).toContain(`master_port:${master.port}`)
  })

  test('a node that is configured under two addresses is one master', async () => {
    await using master = await startRedis()
    const options = { url: master.url, replicas: [master.url, `redis://localhost:${master.port}`] }
    const told = await teller(redisStory, options).tell('roles', 'replication')
    expect(told.steps).toMatchObject({ roles: { outcome: 'ok' }, replication: { outcome: 'ok' } })
  })

  test('no node is demoted where it is not clear which one is stale', async () => {
    await using master = await startRedis()
    await using other = await startRedis()
    const told = await teller(redisStory, { url: master.url, replicas: [other.url] }).tell('roles')
    expect(told.step('roles').outcome).toBe('problem')
    expect(told.cures.size).toBe(0)
  })

  test('a demotion is not carried out when the roles have changed since', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    await using stale = await startRedis()
    const told = await teller(redisStory, { url: master.url, replicas: [stale.url, replica.url] }).tell(
      'roles',
    )
    await replica.cli('replicaof', '127.0.0.1', stale.port)
    await until('it follows the other', async () => isLinkedTo(replica, stale))
    await expect(told.cure('roles')).rejects.toMatchObject({ name: 'DidNotHelp' })
    expect(String(await stale.cli('info', 'replication'))).toContain('role:master')
  })

  test('no master at all is critical, unless the master may be the node that is not reached', async () => {
    await using master = await startRedis()
    await using one = await startRedis({ replicaOf: master })
    await using two = await startRedis({ replicaOf: master })
    const two_ = teller(redisStory, { url: one.url, replicas: [two.url] })
    const told = await two_.tell('roles')
    expect(told.summaries('roles')).toEqual(['none of the 2 nodes is a master: nothing takes writes'])
    const three = teller(redisStory, { url: one.url, replicas: [two.url, master.url] })
    expect((await three.tell('roles')).step('roles').outcome).toBe('ok')
    await master.kill()
    expect((await three.tell('roles')).reason('roles')).toBe(
      `the master may be one that is not reached: 127.0.0.1:${master.port}`,
    )
  })

  test('a failover that is under way is waited for', async () => {
    await using master = await startRedis()
    await using replica = await startRedis({ replicaOf: master })
    const watch = teller(redisStory, { url: master.url, replicas: [replica.url] })
    replica.freeze()
    await master.cli('set', 'ahead', 1)
    await master.cli('failover')
    replica.thaw()
    expect((await watch.tell('roles')).step('roles').outcome).toBe('ok')
    await until('it is over', async () => String(await replica.cli('role')).startsWith('master'))
    expect((await watch.tell('roles')).step('roles').outcome).toBe('ok')
  })

  test('nodes of a cluster have several masters', async () => {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port']
    await using one = await startRedis({ args: [...cluster, '0'] })
    await using two = await startRedis({ args: [...cluster, '0'] })
    const told = await teller(redisStory, { url: one.url, replicas: [two.url] }).tell('roles')
    expect(told.step('roles').outcome).toBe('ok')
  })
})

/** Tells one step until it finds something. */
function problemOf(watch: { tell(...only: string[]): Promise<Told> }, step: string): Promise<Told> {
  return until(`${step} is a problem`, async () => {
    const told = await watch.tell(step)
    return told.step(step).outcome === 'problem' && told
  })
}

async function isLinkedTo(replica: Redis, master: Redis): Promise<boolean> {
  const info = String(await replica.cli('info', 'replication'))
  return info.includes(`master_port:${master.port}`) && info.includes('master_link_status:up')
}
