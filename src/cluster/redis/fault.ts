import type { CoordinatorFault } from '../../core/cluster.ts'
import { ConnectionFailure, failureOf } from '../../core/failure.ts'
import { CoordinatorLost } from '../../core/redis-link.ts'
import { render } from '../../core/text.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

/** `host:port`; an IPv6 address stands in brackets. */
export const addressOf = ({ host, port }: Place) =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** An error reply of Redis. `message` is the reply; what was sent is left out, as it may hold anything. */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError'
  /** Its first word: `ERR`, `WRONGTYPE`, `NOSCRIPT`... that of the command where a script failed by one. */
  readonly code: string

  constructor(reply: string) {
    super(reply)
    this.code = codeOf(reply)
  }
}

/** The error as the link throws it: CoordinatorLost where Redis does not serve, else the command's own error. */
export function thrownFor(error: RedisReplyError, address: string): CoordinatorLost | RedisReplyError {
  const fault = faultOfReply(error)
  return fault === null ? error : new CoordinatorLost(fault, `${address}: ${error.message}`, { cause: error })
}

/** Why Redis does not serve, by the text of its reply; null: it does, and the error is the command's own. */
function faultOfReply({ code, message }: RedisReplyError): CoordinatorFault | null {
  const byCode = faultsOfCodes.get(code)
  if (byCode !== undefined) return byCode
  if (/^ERR (invalid password|Client sent AUTH)/.test(message)) return 'auth'
  if (isScriptDenied(message)) return 'noperm'
  return message.startsWith('ERR max number of clients reached') ? 'other' : null
}

/** Whether a command of a script failed for want of a right: it has words of its own until Redis 7.0, and others since. */
export const isScriptDenied = (reply: string): boolean =>
  /The user executing the script can't|^ERR ACL failure in script/.test(reply)

/** What a broken or failed connection is called. No message of another library is passed on. */
export function lostBy(error: unknown, address: string): CoordinatorLost {
  if (error instanceof CoordinatorLost) return error
  if (error instanceof RedisReplyError) {
    const fault = faultOfReply(error) ?? 'other'
    return new CoordinatorLost(fault, `${address}: ${error.message}`, { cause: error })
  }
  const failure = isForeign(error)
    ? new ConnectionFailure('protocol', address)
    : (failureOf(error, address) ?? new ConnectionFailure('reset', address))
  const said = failure.kind === 'reset' ? `${address} closed the connection` : render(failure.summary)
  return new CoordinatorLost('unreachable', said, { cause: failure })
}

/** Nothing came within the time: the server hangs where TCP stands, else it is not there. */
export function silent(address: string, isTcpUp: boolean): CoordinatorLost {
  const failure = new ConnectionFailure(isTcpUp ? 'timeout-reply' : 'timeout-connect', address)
  return new CoordinatorLost(isTcpUp ? 'slow' : 'unreachable', render(failure.summary), { cause: failure })
}

/** We ended the connection ourselves. */
export const closed = (address: string) =>
  new CoordinatorLost('unreachable', `the connection to ${address} was closed by this node`)

const faultsOfCodes = new Map<string, CoordinatorFault>([
  ['READONLY', 'readonly'],
  ['LOADING', 'loading'],
  ['MASTERDOWN', 'masterdown'],
  ['CLUSTERDOWN', 'clusterdown'],
  // The keys are with another node, or on their way to it.
  ['MOVED', 'clusterdown'],
  ['ASK', 'clusterdown'],
  ['TRYAGAIN', 'clusterdown'],
  ['NOREPLICAS', 'noreplicas'],
  ['OOM', 'oom'],
  ['MISCONF', 'misconf'],
  ['BUSY', 'busy'],
  ['NOAUTH', 'auth'],
  ['WRONGPASS', 'auth'],
  ['NOPERM', 'noperm'],
  // Protected mode: it serves clients on its own host only.
  ['DENIED', 'other'],
])

/** Redis 6 wraps what a command of a script failed with; Redis 7 gives it as it is. */
function codeOf(reply: string): string {
  const inner = /^ERR Error running script .*?@user_script:\s*\d+: -?([A-Z]+) /.exec(reply)?.[1]
  return inner ?? /^[A-Z]+/.exec(reply)?.[0] ?? 'ERR'
}

/** The library's parser gives no code. */
function isForeign(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unknown RESP type')
}
