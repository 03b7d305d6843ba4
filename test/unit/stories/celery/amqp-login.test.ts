import { describe, expect, test } from 'vitest'
import { serverUrl } from '../../../../src/core/options.ts'
import { placeOfAmqp, whyNot } from '../../../../stories/celery/amqp-login.ts'
import { freePort } from '../../../support/servers/ports.ts'

const placeOf = (broker: string) =>
  placeOfAmqp({ broker: serverUrl('amqp:', 'amqps:').parse(broker), user: undefined })

describe('where a RabbitMQ is, and why it lets nobody in', () => {
  test('the path of the URL names the virtual host as Celery reads it', () => {
    expect(placeOf('amqp://h')).toMatchObject({ vhost: '/', port: 5672, user: 'guest', isTls: false })
    expect(placeOf('amqp://h/')).toMatchObject({ vhost: '/' })
    expect(placeOf('amqp://h//')).toMatchObject({ vhost: '/' })
    expect(placeOf('amqp://u:p@h:1/a%2Fb')).toMatchObject({ vhost: 'a/b', port: 1, user: 'u' })
    expect(placeOf('amqps://[::1]/%zz')).toMatchObject({ host: '::1', port: 5671, isTls: true, vhost: '%zz' })
  })

  test('what the library says in words becomes a kind, and is not shown', async () => {
    const place = { ...placeOf('amqp://127.0.0.1'), port: await freePort() }
    const kindOf = async (message: string, hasPassword = true) => {
      const failure = await whyNot(new Error(message), place, hasPassword, AbortSignal.timeout(5000))
      expect(JSON.stringify([failure.summary, failure.advice])).not.toContain('hunter2')
      return failure.kind
    }
    const refused = 'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "hunter2"'
    expect(await kindOf(refused)).toBe('auth-failed')
    expect(await kindOf(refused, false)).toBe('auth-missing')
    expect(await kindOf('Expected ConnectionOpenOk; got <ConnectionClose channel:0>')).toBe('not-found')
    expect(await kindOf('Frame size 1345270062 exceeds configured maximum')).toBe('protocol')
    expect(await kindOf('Socket closed abruptly during opening handshake')).toBe('reset')
  })
})
