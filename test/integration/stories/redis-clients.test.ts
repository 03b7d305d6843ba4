import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import redisStory from '../../../stories/redis/index.ts'
import { describeWith } from '../../support/needs.ts'
import { loginOfGuide } from '../../support/redis-rights.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

describeWith(['redis'], 'redis: clients', () => {
  test('a server that is nearly full is a problem that names who holds the connections', async () => {
    await using redis = await startRedis({ args: ['--maxclients', '20'] })
    const watch = teller(redisStory, { url: redis.url }, { clients: { idle: '1h' } })
    expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
    await using crowd = await openClients(redis, 17, 'leaky-worker')
    const told = await watch.tell('clients')
    expect(told.step('clients').findings).toMatchObject([{ key: 'full', severity: 'warning' }])
    expect(told.summaries('clients')[0]).toMatch(
      /^1[78] of 20 connections are in use \(\d\d %, limit 80 %\)$/,
    )
    const [finding] = told.step('clients').findings
    expect(finding?.evidence).toMatchObject({
      crowdHost: '127.0.0.1',
      crowdName: 'leaky-worker',
      crowdConnections: 17,
      crowdIdle: 0,
    })
    expect(told.cures.size).toBe(0)
    await crowd.close()
    expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
  })

  test('idle connections of a client that is named may be closed', async () => {
    await using redis = await startRedis({ args: ['--maxclients', '20'] })
    await using _leaky = await openClients(redis, 12, 'leaky-worker')
    await using precious = await openClients(redis, 5, 'precious')
    const limits = { idle: '1s', idleNames: ['leaky-worker'] }
    const login = await loginOfGuide(redis)
    const watch = teller(redisStory, { url: redis.url, ...login }, { clients: limits })
    const fresh = await watch.tell('clients')
    const told = await until('they are idle', async () => {
      const answer = await watch.tell('clients')
      return answer.step('clients').findings[0]?.evidence['crowdIdle'] === 12 && answer
    })
    expect(told.cures.get('clients/full')?.consent).toBe('ask')
    await told.cure('clients/full')
    expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
    expect(precious.open()).toBe(5)
    await expect(fresh.cure('clients/full')).rejects.toMatchObject({ name: 'DidNotHelp' })
  })

  test('connections refused since the last telling are critical; those of the past are not', async () => {
    await using redis = await startRedis({ args: ['--maxclients', '12'] })
    const watch = teller(redisStory, { url: redis.url })
    await watch.tell('clients')
    await refuseSome(redis)
    const told = await watch.tell('clients')
    expect(told.step('clients').findings).toMatchObject([
      { key: 'rejected', severity: 'critical', confirm: 1 },
    ])
    expect(told.summaries('clients')[0]).toMatch(
      /^\d+ connections? refused in .+, because all 12 were in use$/,
    )
    expect((await watch.tell('clients')).step('clients').outcome).toBe('ok')
    const late = teller(redisStory, { url: redis.url })
    expect((await late.tell('clients')).step('clients').outcome).toBe('ok')
  })

  test('a user who may not list the clients gets the figures all the same', async () => {
    await using redis = await startRedis({ args: ['--maxclients', '20'] })
    await redis.cli('acl', 'setuser', 'watcher', 'on', '>hunter2SECRET', '-@all', '+ping', '+info')
    await using _crowd = await openClients(redis, 17, 'leaky-worker')
    const login = { url: redis.url, user: 'watcher', password: 'hunter2SECRET' }
    const told = await teller(redisStory, login).tell('clients')
    expect(told.step('clients').findings[0]?.key).toBe('full')
  })
})

interface Crowd extends AsyncDisposable {
  open(): number
  close(): Promise<void>
}

/** As many connections under one name; they stay open. */
async function openClients(redis: Redis, number: number, name: string): Promise<Crowd> {
  const sockets = await Promise.all(Array.from({ length: number }, () => open(redis)))
  await Promise.all(
    sockets.map(async (socket) => {
      socket.write(`CLIENT SETNAME ${name}\r\n`)
      await once(socket, 'data')
    }),
  )
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await until('the server noticed', async () => !String(await redis.cli('client', 'list')).includes(name))
  }
  return {
    open: () => sockets.filter((socket) => !socket.closed).length,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function refuseSome(redis: Redis): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 16 }, () => open(redis)))
  await until('some were closed', () => sockets.some((socket) => socket.readableEnded || socket.closed))
  for (const socket of sockets) socket.destroy()
  await until('there is room', async () => !String(await redis.cli('client', 'list')).includes('cmd=NULL'))
}

async function open(redis: Redis): Promise<Socket> {
  const socket = connect(redis.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket.resume()
}
