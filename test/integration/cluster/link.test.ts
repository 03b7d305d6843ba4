import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect, isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type CoordinatorLink, connectLink, type LinkOptions } from '../../../src/cluster/redis/link.ts'
import type { CoordinatorFault } from '../../../src/core/cluster.ts'
import { CoordinatorLost } from '../../../src/core/redis-link.ts'
import {
  coordinatorPlan,
  errorOf,
  failUnhandled,
  faultOf,
  script,
  serves,
} from '../../support/cluster/coordinator.ts'
import { describeWith } from '../../support/needs.ts'
import { type Redis, startRedis } from '../../support/servers/redis.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'

const options: LinkOptions = {
  name: 'control',
  commandTimeout: 400,
  connectTimeout: 1000,
  slotKey: '{hz:t}:ctl',
}
const password = 'hunter2SECRET'
const key = '{hz:t}:key'

failUnhandled()

describeWith(['redis'], 'the link to a coordinating Redis', () => {
  let redis: Redis
  let link: CoordinatorLink
  beforeAll(async () => {
    redis = await startRedis({ args: ['--busy-reply-threshold', '50'] })
    link = connectLink(coordinatorPlan([redis.port]), options)
  })
  afterAll(async () => {
    await link[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })
  beforeEach(() => serves(link))

  test('knows the server, and shows its own name there', async () => {
    expect(link.server()).toMatch(/^[0-9a-f]{40}$/)
    expect(link.version()).toMatch(/^\d+\.\d+\.\d+$/)
    expect(String(await link.call('CLIENT', 'LIST'))).toContain('name=healthz:control')
  })

  test('waits with a first call until the connection stands', async () => {
    const servers: string[] = []
    await using first = connectLink(coordinatorPlan([redis.port], { database: 3 }), {
      ...options,
      onServer: (runId) => servers.push(runId),
    })
    expect(first.server()).toBe('')
    expect(await first.call('SET', 'only-in-3', 1)).toBe('OK')
    expect(servers).toEqual([link.server()])
    expect(await link.call('EXISTS', 'only-in-3')).toBe(0)
  })

  test('replies have the shape of protocol 2', async () => {
    await link.call('HSET', key, 'a', 1)
    expect(await link.call('HGETALL', key)).toEqual(['a', '1'])
    await link.call('DEL', key)
  })

  test("a command's own error is an error with the words of Redis, and the link stands", async () => {
    await link.call('SET', key, 'text')
    const before = await link.call('CLIENT', 'ID')
    const error = await errorOf(link.call('HGET', key, password))
    expect(error).not.toBeInstanceOf(CoordinatorLost)
    expect(error.message).toBe('WRONGTYPE Operation against a key holding the wrong kind of value')
    const failing = script("return redis.error_reply('MINE no')")
    expect((await errorOf(link.run(failing, [key], []))).message).toMatch(/^MINE no/)
    expect((await errorOf(link.run(script('return redis.call("HGET", KEYS[1], "x")'), [key], []))).message) //
      .toMatch(/^WRONGTYPE/)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(password)
    expect(await link.call('CLIENT', 'ID')).toBe(before)
    await link.call('DEL', key)
  })

  test('loads a script that the server does not know, also after it forgot it', async () => {
    const echo = script('return {KEYS[1], ARGV[1]}')
    expect(await link.run(echo, [key], ['a'])).toEqual([key, 'a'])
    await redis.cli('script', 'flush')
    expect(await link.run(echo, [key], ['b'])).toEqual([key, 'b'])
    expect(await redis.cli('script', 'exists', echo.sha)).toEqual([1])
  })

  test('tells how many replicas have what a script wrote', async () => {
    const write = script("return redis.call('SET', KEYS[1], ARGV[1])")
    const alone = await link.runReplicated(write, [key], ['a'], { replicas: 1, wait: 30 })
    expect(alone).toEqual({ reply: 'OK', replicas: 0 })
    await using _replica = await startRedis({ replicaOf: redis })
    // A new replica acknowledges for the first time after a second.
    await until('the replica has it', async () => {
      const { reply, replicas } = await link.runReplicated(write, [key], ['b'], { replicas: 1, wait: 200 })
      return reply === 'OK' && replicas === 1
    })
  })

  test('a server that hangs is slow: every call ends by its deadline, then its connection is another', async () => {
    const before = await link.call('CLIENT', 'ID')
    redis.freeze()
    const start = performance.now()
    const calls = [link.call('PING'), link.call('SET', key, 1), link.run(script('return 1'), [], [])]
    try {
      expect(await Promise.all(calls.map(faultOf))).toEqual(['slow', 'slow', 'slow'])
      expect(await faultOf(link.call('PING'))).toBe('slow')
      expect(performance.now() - start).toBeLessThan(2 * options.commandTimeout + 1000)
    } finally {
      redis.thaw()
    }
    await serves(link)
    expect(await link.call('CLIENT', 'ID')).not.toBe(before)
  })

  test('a server that sleeps in a command is slow, and serves again by itself', async () => {
    const sleeping = redis.cli('debug', 'sleep', 1)
    await until('it hangs', async () => (await faultOf(link.call('PING'))) === 'slow')
    await sleeping
    await serves(link)
  })

  test('a call made while the server is being restarted is answered, if that takes no longer than the call', async () => {
    await using patient = connectLink(coordinatorPlan([redis.port]), { ...options, commandTimeout: 8000 })
    const before = await patient.call('INFO', 'server').then(() => patient.server())
    await redis.kill()
    const call = patient.call('PING')
    await redis.restart()
    expect(await call).toBe('PONG')
    expect(patient.server()).not.toBe(before)
  })

  test('a dead server is unreachable, and each call ends by its deadline', async () => {
    await redis.kill()
    try {
      const start = performance.now()
      const error = await errorOf(link.call('PING'))
      expect(performance.now() - start).toBeLessThan(options.commandTimeout + 1000)
      expect(error).toMatchObject({ fault: 'unreachable' })
      await until('the reason is told', async () => {
        const { message } = await errorOf(link.call('PING'))
        return message === `nothing listens on 127.0.0.1:${redis.port}`
      })
    } finally {
      await redis.restart()
    }
  })

  test('reset fails what is under way; the next call finds a new connection', async () => {
    const before = await link.call('CLIENT', 'ID')
    const blocked = errorOf(link.call('BLPOP', key, 5))
    await until('it is under way', async () =>
      String(await redis.cli('client', 'list')).includes('cmd=blpop'),
    )
    link.reset()
    expect(await blocked).toMatchObject({ fault: 'unreachable' })
    expect(await link.call('CLIENT', 'ID')).not.toBe(before)
  })

  test('reset leaves alone a connection that is only being made', async () => {
    await using proxy = await startTcpFaultProxy(redis.port)
    await proxy.become('delay', { delay: 150 })
    await using far = connectLink(coordinatorPlan([proxy.port]), { ...options, commandTimeout: 200 })
    await until('it comes through', async () => {
      const fault = await faultOf(far.call('PING'))
      far.reset()
      return fault === 'slow'
    })
  })

  const provoked: readonly [CoordinatorFault, RegExp, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      'readonly',
      /READONLY/,
      () => redis.cli('replicaof', '127.0.0.1', 1),
      () => redis.cli('replicaof', 'no', 'one'),
    ],
    [
      'masterdown',
      /MASTERDOWN/,
      async () => {
        await redis.cli('config', 'set', 'replica-serve-stale-data', 'no')
        await redis.cli('replicaof', '127.0.0.1', 1)
      },
      async () => {
        await redis.cli('replicaof', 'no', 'one')
        await redis.cli('config', 'set', 'replica-serve-stale-data', 'yes')
      },
    ],
    [
      'noreplicas',
      /NOREPLICAS/,
      () => redis.cli('config', 'set', 'min-replicas-to-write', 1),
      () => redis.cli('config', 'set', 'min-replicas-to-write', 0),
    ],
    [
      'oom',
      /OOM/,
      () => redis.cli('config', 'set', 'maxmemory', 1),
      () => redis.cli('config', 'set', 'maxmemory', 0),
    ],
    [
      'busy',
      /BUSY/,
      async () => void redis.cli('eval', 'while true do end', 0).catch(() => {}),
      async () => {
        await redis.cli('script', 'kill')
      },
    ],
    [
      'noperm',
      /'set' command/,
      () => redis.cli('acl', 'setuser', 'default', '-set'),
      () => redis.cli('acl', 'setuser', 'default', '+set'),
    ],
  ]

  test.each(provoked)('%s is told, and over when it is over', async (fault, words, begin, end) => {
    // A replica refuses a write for being one before it says what else it lacks.
    const [command, ...args] = fault === 'masterdown' ? ['GET'] : ['SET', 1]
    const ask = () => link.call(`${command}`, key, ...args)
    const inScript = script(`return redis.call('${command}', KEYS[1], ARGV[1])`)
    await begin()
    try {
      await until(`it is ${fault}`, async () => (await faultOf(ask())) === fault)
      await until('its words are told', async () => words.test((await errorOf(ask())).message))
      await until('a script fails by it', async () => {
        return (await faultOf(link.run(inScript, [key], args))) === fault
      })
    } finally {
      await end()
    }
    await serves(link)
    expect(await link.call('SET', key, 1)).toBe('OK')
  })

  test('a server that loads its data is told, and over when it is over', async () => {
    await redis.cli('debug', 'populate', 2000)
    await redis.cli('config', 'set', 'key-load-delay', 400, 'loading-process-events-interval-bytes', 1024)
    const reloaded = redis.cli('debug', 'reload')
    try {
      await until('it loads', async () => (await faultOf(link.call('GET', key))) === 'loading')
    } finally {
      await redis.cli('config', 'set', 'key-load-delay', 0)
      await reloaded
    }
    await serves(link)
  })

  test('a server that cannot save is told, and over when it can', async () => {
    const file = join(redis.dir, 'dump.rdb')
    await rm(file, { force: true })
    await mkdir(join(file, 'in-the-way'), { recursive: true })
    await redis.cli('config', 'set', 'save', '3600 1')
    try {
      await redis.cli('bgsave')
      await until('it is told', async () => (await faultOf(link.call('SET', key, 1))) === 'misconf')
    } finally {
      await rm(file, { recursive: true })
      await redis.cli('bgsave')
      await until('it saves', async () => (await faultOf(link.call('SET', key, 1))) === null)
      await redis.cli('config', 'set', 'save', '')
    }
  })

  test('hints are heard, again after the server was restarted, and not after the end', async () => {
    const heard: string[] = []
    await using hints = link.subscribe('{hz:t}:wake', (message) => heard.push(message))
    const say = (word: string) => async () => {
      await link.call('PUBLISH', '{hz:t}:wake', word)
      return heard.includes(word)
    }
    await until('it hears', say('one'))
    await redis.restart()
    await until('it hears again', say('two'))
    redis.freeze()
    try {
      await until('it notices', async () => (await faultOf(link.call('PING'))) === 'slow')
    } finally {
      redis.thaw()
    }
    await until('it hears again', say('three'))
    await hints[Symbol.asyncDispose]()
    await until('it is gone', async () =>
      isDeepStrictEqual(await link.call('PUBSUB', 'NUMSUB', '{hz:t}:wake'), ['{hz:t}:wake', 0]),
    )
  })

  test('50 kills of connections in use, and 5 of the server, leave five links working', async () => {
    const links = Array.from({ length: 5 }, () => connectLink(coordinatorPlan([redis.port]), options))
    await using stack = new AsyncDisposableStack()
    for (const one of links) {
      stack.use(one)
      stack.use(one.subscribe('{hz:t}:wake', () => {}))
    }
    const faults: Promise<CoordinatorFault | null>[] = []
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.all(links.map(serves))
      for (const one of links) faults.push(faultOf(one.call('BLPOP', '{hz:t}:none', 5)))
      await until('all are in use', async () => {
        return String(await redis.cli('client', 'list')).split('cmd=blpop').length === 6
      })
      if (turn % 2 === 0) await redis.restart()
      else await redis.cli('client', 'kill', 'skipme', 'yes')
    }
    expect(new Set(await Promise.all(faults))).toEqual(new Set(['unreachable']))
    await Promise.all(links.map(serves))
  })
})
