import { CannotTell, ConnectionFailure, type FailureKind, say, type Text } from 'healthz'
import type { Place } from './options.ts'

/** What a server says by the number of its error when it does not let anyone in. */
export function refusal(errno: number, place: Place, message = ''): Error {
  const { address, user } = place
  switch (errno) {
    case 1040:
      return new ConnectionFailure('too-many', address, {
        detail: say`all its connections are in use`,
        advice: say`find the client that leaks connections, or raise max_connections; a watchman's user with the right CONNECTION ADMIN gets in even then and can name it`,
      })
    case 1203:
    case 1226:
      return ownLimit(place, message)
    case 1129:
      return new ConnectionFailure('too-many', address, {
        detail: say`it has blocked this host after too many connections that failed`,
        advice: say`find out what fails to connect from here, then run on the server: FLUSH HOSTS; MySQL 8.4: TRUNCATE TABLE performance_schema.host_cache`,
      })
    case 1053:
      return new WordedFailure('starting', address, say`${address} is shutting down`, 'warning')
    case 1044:
    case 1049:
      return missingDatabase(place)
    case 1251:
      return new ConnectionFailure('auth-failed', address, {
        detail: say`the account of the user ${user} has a way to log in that the watchman does not know`,
        advice: say`give that user another one, such as mysql_native_password of MariaDB or caching_sha2_password of MySQL: ALTER USER ... IDENTIFIED VIA ..., on MySQL WITH ...`,
      })
    case 3159:
      return new ConnectionFailure('auth-failed', address, {
        detail: say`it lets nobody in without TLS`,
        advice: say`switch "tls" on in the options of this entry`,
      })
  }
  if (!loginErrors.has(errno))
    return new CannotTell(say`${address} does not let the user ${user} in: its error ${String(errno)}`)
  return place.password === undefined && errno !== 1130
    ? new ConnectionFailure('auth-missing', address, { detail: say`the user is ${user}` })
    : loginRefused(errno, place)
}

/** Host not allowed, access denied, login methods switched off, password expired, account locked or blocked. */
const loginErrors: ReadonlySet<number> = new Set([1045, 1130, 1524, 1698, 1820, 1862, 3118, 3955, 4151])

function loginRefused(errno: number, { address, user, tls }: Place): ConnectionFailure {
  if (errno === 1130) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`nobody may log in from this host`,
      advice: say`create the user ${user} for this host too`,
    })
  }
  if (errno === 3118 || errno === 4151) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`the account of the user ${user} is locked`,
      advice: say`unlock it with ALTER USER ... ACCOUNT UNLOCK`,
    })
  }
  if (errno === 3955) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`the account of the user ${user} is blocked after too many wrong passwords`,
      advice: say`see who tries; unblock it with ALTER USER ... ACCOUNT UNLOCK`,
    })
  }
  if (errno === 1524) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`the account of the user ${user} has a way to log in that the server has switched off`,
      advice: say`MySQL 8.4 switched mysql_native_password off: run ALTER USER ... IDENTIFIED WITH caching_sha2_password BY ...`,
    })
  }
  if (errno === 1820 || errno === 1862) {
    return new ConnectionFailure('auth-failed', address, {
      detail: say`the password of the user ${user} has expired`,
      advice: say`set a new password for the user`,
    })
  }
  const plain = say`check user and password; the same answer comes when the account demands TLS, which this entry does not use, or when an anonymous user of the server stands before it`
  const secure = say`check user and password; the same answer comes when an anonymous user of the server stands before it`
  return new ConnectionFailure('auth-failed', address, {
    detail: say`the user is ${user}`,
    advice: tls === null ? plain : secure,
  })
}

function missingDatabase({ address, user, database }: Place): ConnectionFailure {
  return new ConnectionFailure('not-found', address, {
    detail: say`no database ${database ?? '?'}, or none that the user ${user} may see`,
    advice: say`create it, correct its name in the options of this entry, or grant a right on it to the user ${user}`,
  })
}

/** Says nothing of the server's health: other clients may still get in. */
function ownLimit({ address, user }: Place, message: string): WordedFailure {
  const max = /\(current value: (\d+)\)/.exec(message)?.[1]
  const summary =
    max === undefined
      ? say`${address} is up, but the watchman's own user ${user} has reached its limit`
      : say`${address} is up, but the watchman's own user ${user} has reached its limit of ${Number(max)}`
  const advice = say`look whether something else logs in as ${user}, or raise the limits of that user (MAX_USER_CONNECTIONS, MAX_QUERIES_PER_HOUR)`
  return new WordedFailure('too-many', address, summary, 'warning', advice)
}

/** A failure to connect with words and a weight of its own. */
export class WordedFailure extends ConnectionFailure {
  readonly #summary: Text
  readonly #severity: 'warning' | 'critical'

  constructor(
    kind: FailureKind,
    address: string,
    summary: Text,
    severity: 'warning' | 'critical',
    advice: Text | null = null,
  ) {
    super(kind, address, { advice })
    this.#summary = summary
    this.#severity = severity
  }

  override get summary(): Text {
    return this.#summary
  }

  override get severity(): 'warning' | 'critical' {
    return this.#severity
  }
}
