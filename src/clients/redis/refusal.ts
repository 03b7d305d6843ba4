import { ConnectionFailure, type FailureKind } from '../../core/failure.ts'
import { CannotTell } from '../../core/story.ts'
import { say, type Text } from '../../core/text.ts'

/**
 * The server understood a command and refused it for a reason of the command's own. It holds the reply's first word
 * and the command's name only: the reply and the arguments may quote anything.
 */
export class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal'
  /** `ERR`, `WRONGTYPE`, `NOSCRIPT`, `UNKILLABLE`... */
  readonly code: string

  constructor(command: string, code: string) {
    super(`${command}: refused with ${code}`)
    this.code = code
  }
}

/** What was asked, by whom. */
export interface Asked {
  readonly address: string
  readonly command: string
  readonly args: readonly (string | number)[]
  readonly user: string
  readonly hasPassword: boolean
}

/**
 * An error reply in terms that are safe to show: a ConnectionFailure where the server would not serve anybody, or not
 * this user; CannotTell where it does not know the command; a RedisRefusal for the rest.
 */
export function refusalOf(reply: string, asked: Asked): Error {
  const code = /^[A-Z]+/.exec(reply)?.[0] ?? 'ERR'
  const { address } = asked
  const login = loginOf(code, reply, asked)
  if (login !== null) return login
  if (code === 'NOPERM')
    return new ConnectionFailure('not-allowed', address, { detail: missingRight(reply, asked) })
  if (code === 'ERR' && /^ERR unknown (sub)?command/i.test(reply))
    return new CannotTell(
      say`this server does not know ${nameOf(asked)}: it is of another version, or has it switched off`,
    )
  const known = kinds.get(code) ?? errors.find(({ begins }) => reply.startsWith(begins))
  if (known === undefined) return new RedisRefusal(nameOf(asked), code)
  const { kind, detail, advice } = known
  return new ConnectionFailure(kind, address, { detail: detail ?? null, advice: advice ?? null })
}

/** WRONGPASS is the word since Redis 6; before, it was a plain ERR. */
function loginOf(code: string, reply: string, { address, user, hasPassword }: Asked) {
  if (code === 'NOAUTH' && !hasPassword) return new ConnectionFailure('auth-missing', address)
  const isRefused = code === 'NOAUTH' || code === 'WRONGPASS' || reply.startsWith('ERR invalid password')
  if (!isRefused) return null
  return new ConnectionFailure('auth-failed', address, { detail: say`tried as user ${user}` })
}

function missingRight(reply: string, asked: Asked): Text {
  const { user } = asked
  if (/permissions to access/i.test(reply))
    return say`the user ${user} may not use ${nameOf(asked)} on this key or channel`
  return say`the user ${user} lacks the right ${`+${nameOf(asked).toLowerCase().replace(' ', '|')}`}`
}

/** `CONFIG GET`, `PING`: the command with its subcommand, never with arguments. */
function nameOf({ command, args }: Asked): string {
  const [first] = args
  const hasSubcommand = containers.has(command.toUpperCase()) && typeof first === 'string'
  return (hasSubcommand ? `${command} ${first}` : command).toUpperCase()
}

const containers = new Set(
  'ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY OBJECT PUBSUB SCRIPT SENTINEL SLOWLOG XGROUP XINFO'.split(
    ' ',
  ),
)

interface Known {
  readonly kind: FailureKind
  readonly detail?: Text
  readonly advice?: Text
}

const kinds = new Map<string, Known>([
  ['LOADING', { kind: 'starting', detail: say`it loads its data` }],
  ['BUSY', { kind: 'busy', detail: say`a script or function does not end` }],
  [
    'MASTERDOWN',
    {
      kind: 'read-only',
      detail: say`it is a replica that lost its master, and answers no reads either`,
      advice: say`bring its master back, or make it follow another one`,
    },
  ],
  ['READONLY', { kind: 'read-only', detail: say`it is a replica` }],
  [
    'MISCONF',
    {
      kind: 'read-only',
      detail: say`it cannot save to its disk`,
      advice: say`look for a full disk, missing rights on its directory or too little memory for a fork`,
    },
  ],
  ['NOREPLICAS', { kind: 'read-only', detail: say`fewer replicas follow it than it wants for a write` }],
  [
    'OOM',
    { kind: 'read-only', detail: say`its memory is full`, advice: say`free memory, or raise maxmemory` },
  ],
  ['MOVED', { kind: 'redirect' }],
  ['ASK', { kind: 'redirect' }],
  [
    'DENIED',
    {
      kind: 'reset',
      detail: say`it runs in protected mode and serves only clients on its own host`,
      advice: say`give the server a password, and the address to listen on`,
    },
  ],
  ['CLUSTERDOWN', { kind: 'redirect', detail: say`the cluster does not serve this part of the keys` }],
])

const errors: readonly (Known & { readonly begins: string })[] = [
  { begins: 'ERR max number of clients reached', kind: 'too-many' },
  {
    begins: 'ERR DB index is out of range',
    kind: 'not-found',
    detail: say`it has no database of the number in the URL`,
  },
]
