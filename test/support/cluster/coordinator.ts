import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import type { CoordinatorLink } from '../../../src/cluster/redis/link.ts'
import type { CoordinatorFault, CoordinatorPlan } from '../../../src/core/cluster.ts'
import { CoordinatorLost, type Script } from '../../../src/core/redis-link.ts'
import { Secret } from '../../../src/core/secret.ts'
import { until } from '../servers/until.ts'

/** How a coordinating Redis is reached: one server without password or TLS, unless said otherwise. */
export function coordinatorPlan(
  ports: readonly number[],
  more: Partial<Omit<CoordinatorPlan, 'password' | 'sentinelPassword'>> & {
    readonly password?: string | undefined
    readonly sentinelPassword?: string | undefined
  } = {},
): CoordinatorPlan {
  const { password, sentinelPassword, ...rest } = more
  return {
    kind: 'standalone',
    servers: ports.map((port) => ({ host: '127.0.0.1', port })),
    master: '',
    database: 0,
    user: undefined,
    sentinelUser: undefined,
    tls: null,
    ...rest,
    password: secret(password),
    sentinelPassword: secret(sentinelPassword),
  }
}

const secret = (value: string | undefined) => (value === undefined ? undefined : new Secret(value))

export const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/** Waits until it serves again, or for the first time. */
export async function serves(link: CoordinatorLink | undefined): Promise<void> {
  await until('the link serves', async () => (await link?.call('PING')) === 'PONG')
}

export async function errorOf(work: Promise<unknown> | undefined): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}

/** null: it did not fail. */
export async function faultOf(work: Promise<unknown> | undefined): Promise<CoordinatorFault | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof CoordinatorLost) return error.fault
    throw error
  }
}

/** Fails the test file when a promise was rejected that nobody looked after. */
export function failUnhandled(): void {
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  beforeAll(() => void process.on('unhandledRejection', note))
  afterAll(() => {
    process.off('unhandledRejection', note)
    expect(rejections).toEqual([])
  })
}
