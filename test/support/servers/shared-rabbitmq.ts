import { randomBytes } from 'node:crypto'
import { type RabbitmqClient, type RabbitmqCoordinates, rabbitmqClient } from './rabbitmq-client.ts'

/**
 * The one RabbitMQ of the test run, in a virtual host of the caller's own that is deleted on disposal. The first
 * call in a run waits until it has started. Other files use it at the same time, so leave its node as it is.
 */
export async function sharedRabbitmq(): Promise<SharedRabbitmq> {
  const client = rabbitmqClient(await askForShared())
  const vhost = `hz-${randomBytes(4).toString('hex')}`
  await client.api('PUT', `/api/vhosts/${vhost}`)
  await client.api('PUT', `/api/permissions/${vhost}/${client.user}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  return {
    ...client,
    vhost,
    url: `${client.url}/${vhost}`,
    async [Symbol.asyncDispose]() {
      await client.api('DELETE', `/api/vhosts/${vhost}`)
    },
  }
}

export interface SharedRabbitmq extends RabbitmqClient, AsyncDisposable {
  readonly vhost: string
  /** `amqp://` with user, password and the virtual host. */
  readonly url: string
}

async function askForShared(): Promise<RabbitmqCoordinates> {
  const url = process.env['HEALTHZ_TEST_SHARED']
  if (url === undefined) throw new Error('shared servers exist only within a vitest run')
  const response = await fetch(`${url}/rabbitmq`)
  if (!response.ok) throw new Error(await response.text())
  // Written by shared-servers.ts from a value of this very type.
  return (await response.json()) as RabbitmqCoordinates
}
