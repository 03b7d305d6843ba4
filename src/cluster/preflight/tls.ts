import type { CoordinatorPlan } from '../../core/cluster.ts'
import { ConnectionFailure } from '../../core/failure.ts'
import { CoordinatorLost } from '../../core/redis-link.ts'
import { openConnection } from '../redis/connection.ts'
import { addressOf, type Place, RedisReplyError } from '../redis/fault.ts'
import type { Checking } from './types.ts'
import { type LossWords, words } from './words.ts'

/**
 * A server closes or keeps silent where one side speaks TLS and the other does not: whether that is it, is tried.
 * null: it is not.
 */
export async function overTls(
  checking: Checking,
  error: CoordinatorLost,
  place: Place,
): Promise<LossWords | null> {
  const { tls } = checking.cluster.redis
  const kind = error.cause instanceof ConnectionFailure ? error.cause.kind : null
  if (tls === null) {
    const mayBeTls = kind === 'reset' || kind === 'protocol'
    if (!mayBeTls || !(await speaks(checking, place, { ca: undefined, insecure: true }))) return null
    return { finding: words.plainToTls(addressOf(place)), isLasting: true }
  }
  if (kind !== 'tls-plain' && kind !== 'reset' && kind !== 'timeout-reply') return null
  if (await speaks(checking, place, null))
    return { finding: words.tlsToPlain(addressOf(place)), isLasting: true }
  if (await wantsCertificate(checking, place))
    return { finding: words.wantsCertificate(addressOf(place)), isLasting: true }
  return null
}

/** Whether it answers as Redis does, be it with an error. */
async function speaks(
  { timeout, signal }: Checking,
  place: Place,
  tls: CoordinatorPlan['tls'],
): Promise<boolean> {
  const nobody = { user: undefined, password: undefined, name: 'healthz:preflight', database: 0 }
  try {
    using connection = await openConnection(place, { ...nobody, tls, signal }, timeout)
    await connection.ask(['PING'], timeout)
    return true
  } catch (error) {
    return error instanceof CoordinatorLost && error.cause instanceof RedisReplyError
  }
}

/** The server says so only after the handshake is over for the client, to one that listens and does not write. */
async function wantsCertificate({ timeout, signal }: Checking, { host, port }: Place): Promise<boolean> {
  const { connect } = await import('node:tls')
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, rejectUnauthorized: false, timeout })
  const stop = () => resolve(false)
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(/CERTIFICATE_REQUIRED/.test(error.code ?? '')))
  socket.once('close', stop).once('timeout', stop)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}
