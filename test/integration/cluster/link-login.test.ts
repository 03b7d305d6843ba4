import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { connectLink, type LinkOptions } from '../../../src/cluster/redis/link.ts'
import { CoordinatorLost } from '../../../src/core/redis-link.ts'
import {
  coordinatorPlan,
  errorOf,
  failUnhandled,
  faultOf,
  serves,
} from '../../support/cluster/coordinator.ts'
import { describeWith } from '../../support/needs.ts'
import { makeCertificates } from '../../support/servers/certificates.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { startRedis } from '../../support/servers/redis.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'
import { until } from '../../support/servers/until.ts'

const options: LinkOptions = {
  name: 'control',
  commandTimeout: 400,
  connectTimeout: 1000,
  slotKey: '{hz:t}:ctl',
}
const password = 'hunter2SECRET'

failUnhandled()

describeWith(['redis', 'openssl'], 'logging in to a coordinating Redis', () => {
  test('a wrong password is told, without the password, and over when it is right', async () => {
    await using redis = await startRedis({ password: 'right' })
    await using link = connectLink(coordinatorPlan([redis.port], { password }), options)
    const error = await until('it is told', async () => {
      const failure = await errorOf(link.call('PING'))
      return (failure as CoordinatorLost).fault === 'auth' && failure
    })
    expect(error.message).toContain('WRONGPASS')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(password)
    await redis.cli('acl', 'setuser', 'default', `>${password}`)
    await serves(link)
  })

  test('a missing password is told', async () => {
    await using redis = await startRedis({ password })
    await using link = connectLink(coordinatorPlan([redis.port]), options)
    await until('it is told', async () => (await faultOf(link.call('PING'))) === 'auth')
  })

  test('a password that nobody asks for is no fault', async () => {
    await using redis = await startRedis()
    await using link = connectLink(coordinatorPlan([redis.port], { password }), options)
    await serves(link)
  })

  test('a user without the right to INFO is told', async () => {
    await using redis = await startRedis()
    await redis.cli('acl', 'setuser', 'few', 'on', `>${password}`, '~*', '+@all', '-info')
    await using link = connectLink(coordinatorPlan([redis.port], { user: 'few', password }), options)
    await until('it is told', async () => (await faultOf(link.call('PING'))) === 'noperm')
    await redis.cli('acl', 'setuser', 'few', '+info')
    await serves(link)
  })

  test('a database that is not there is told', async () => {
    await using redis = await startRedis()
    await using link = connectLink(coordinatorPlan([redis.port], { database: 99 }), options)
    await until('it is told', async () => {
      const error = await errorOf(link.call('PING'))
      return error instanceof CoordinatorLost && error.fault === 'other' && /out of range/.test(error.message)
    })
  })

  test('TLS is spoken, and no certificate taken that no trusted authority has signed', async () => {
    await using certificates = await makeCertificates()
    await using redis = await startRedis({ tls: certificates.valid })
    const tls = { ca: await readFile(certificates.caFile, 'utf8'), insecure: false }
    await using trusting = connectLink(coordinatorPlan([redis.tlsPort], { tls }), options)
    await serves(trusting)
    const lax = { ca: undefined, insecure: true }
    await using careless = connectLink(coordinatorPlan([redis.tlsPort], { tls: lax }), options)
    await serves(careless)
    const strict = { ca: undefined, insecure: false }
    await using wary = connectLink(coordinatorPlan([redis.tlsPort], { tls: strict }), options)
    await until('it is told', async () =>
      /certificate of .* is not trusted/.test((await errorOf(wary.call('PING'))).message),
    )
  })

  test('a server of another kind is told', async () => {
    await using web = await startHttpReceiver()
    await using link = connectLink(coordinatorPlan([web.port]), options)
    await until('it is told', async () =>
      /speaks another protocol/.test((await errorOf(link.call('PING'))).message),
    )
  })

  test('a link that is disposed of leaves no connection, whatever state it was in', async () => {
    await using redis = await startRedis()
    await using proxy = await startTcpFaultProxy(redis.port)
    await proxy.become('black-hole')
    const patient = { ...options, commandTimeout: 8000, connectTimeout: 8000 }
    const links = [redis.port, proxy.port, 1].map((port) => connectLink(coordinatorPlan([port]), patient))
    await serves(links[0])
    const waiting = links.slice(1).map((link) => errorOf(link.call('PING')))
    const start = performance.now()
    await Promise.all(links.map((link) => link[Symbol.asyncDispose]()))
    expect(performance.now() - start).toBeLessThan(4000)
    expect((await Promise.all(waiting)).map(({ message }) => message)).toEqual([
      expect.stringContaining('is closed'),
      expect.stringContaining('is closed'),
    ])
    expect(await faultOf(links[0]?.call('PING'))).toBe('unreachable')
    await until(
      'only the harness is connected',
      async () => !String(await redis.cli('client', 'list')).includes('healthz:'),
    )
  })
})
