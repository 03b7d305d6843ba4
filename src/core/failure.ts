import type { Severity } from './outcome.ts'
import { say, type Text } from './text.ts'

/** The kinds of failing to reach a system: one list for all stories. */
export type FailureKind =
  | 'dns'
  | 'refused'
  | 'timeout-connect'
  | 'timeout-reply'
  | 'reset'
  | 'tls-untrusted'
  | 'tls-expired'
  | 'tls-hostname'
  | 'tls-plain'
  | 'auth-missing'
  | 'auth-failed'
  | 'not-allowed'
  | 'not-found'
  | 'too-many'
  | 'starting'
  | 'busy'
  | 'read-only'
  | 'redirect'
  | 'protocol'
  | 'local'

/**
 * A system could not be reached or would not serve. Its words are built from the kind, the address, the user and
 * figures only, never from another library's message, which may hold a password.
 */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
  readonly kind: FailureKind
  /** `host:port`, a socket's path or a URL without credentials. */
  readonly address: string
  /** What more is known, such as "13 of 13 connections used". */
  readonly detail: Text | null
  /** What to do, where it differs from the kind's own advice. */
  readonly remedy: Text | null

  constructor(
    kind: FailureKind,
    address: string,
    more: { detail?: Text | null; advice?: Text | null; cause?: unknown } = {},
  ) {
    super(`${kind}: ${address}`, { cause: more.cause })
    this.kind = kind
    this.address = address
    this.detail = more.detail ?? null
    this.remedy = more.advice ?? null
  }

  get summary(): Text {
    const { summary } = manners[this.kind]
    const said = summary(this.address)
    return this.detail === null ? said : say`${said}: ${this.detail}`
  }

  get advice(): Text {
    return this.remedy ?? manners[this.kind].advice
  }

  get severity(): Severity {
    return manners[this.kind].severity
  }
}

/** Whether this kind says nothing about the target's health: a missing right, or the watchman's own trouble. */
export function isUntold(kind: FailureKind): boolean {
  return kind === 'local' || kind === 'not-allowed'
}

/** Whether trying again soon could do harm (an account locked) or cannot help until a person acted. */
export function isSettled(kind: FailureKind): boolean {
  return kind.startsWith('auth-') || kind.startsWith('tls-') || kind === 'protocol' || kind === 'not-found'
}

/** The kind of any error that a socket, TLS or DNS call gives; null where the error is none of these. */
export function kindOf(error: unknown): FailureKind | null {
  if (error instanceof ConnectionFailure) return error.kind
  for (const inner of chain(error)) {
    const kind = kindOfCode(inner)
    if (kind !== null) return kind
  }
  return null
}

/** The error as a failure to reach `address`; null where it is none. */
export function failureOf(error: unknown, address: string): ConnectionFailure | null {
  if (error instanceof ConnectionFailure) return error
  const kind = kindOf(error)
  return kind === null ? null : new ConnectionFailure(kind, address, { cause: error })
}

/** Where an error of a socket happened: `host:port`, a path or a host name; null where it does not say. */
export function addressOf(error: unknown): string | null {
  for (const inner of chain(error)) {
    const { address, port, hostname, path } = inner as {
      address?: unknown
      port?: unknown
      hostname?: unknown
      path?: unknown
    }
    if (typeof address === 'string') return typeof port === 'number' ? `${address}:${port}` : address
    if (typeof hostname === 'string') return hostname
    if (typeof path === 'string') return path
  }
  return null
}

/** The error, what caused it and, of an AggregateError (a dual-stack host), what it gathers. */
function* chain(error: unknown, depth = 0): Generator<Error & { code?: unknown }> {
  if (!(error instanceof Error) || depth > 4) return
  yield error
  if (error instanceof AggregateError) for (const inner of error.errors) yield* chain(inner, depth + 1)
  yield* chain(error.cause, depth + 1)
}

function kindOfCode(error: Error & { code?: unknown }): FailureKind | null {
  if (typeof error.code === 'string') {
    const kind = kindsOfCodes.get(error.code)
    if (kind !== undefined) return kind
    if (error.code.startsWith('ERR_SSL_') || error.code === 'EPROTO') return 'tls-plain'
  }
  return null
}

const kindsOfCodes = new Map<string, FailureKind>([
  ...(['ENOTFOUND', 'EAI_AGAIN', 'EREFUSED', 'ESERVFAIL', 'ENODATA', 'EAI_NONAME'] as const).map(
    (code) => [code, 'dns'] as const,
  ),
  ['ECONNREFUSED', 'refused'],
  ['ENOENT', 'refused'],
  ...(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'] as const).map(
    (code) => [code, 'timeout-connect'] as const,
  ),
  ...(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'PROTOCOL_CONNECTION_LOST'] as const).map(
    (code) => [code, 'reset'] as const,
  ),
  ...(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_UNTRUSTED',
      'CERT_SIGNATURE_FAILURE',
      'CERT_REVOKED',
      'INVALID_CA',
      'CERT_NOT_YET_VALID',
    ] as const
  ).map((code) => [code, 'tls-untrusted'] as const),
  ['CERT_HAS_EXPIRED', 'tls-expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls-hostname'],
  ['HANDSHAKE_NO_SSL_SUPPORT', 'tls-plain'],
  ...(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'] as const).map((code) => [code, 'local'] as const),
  ['EACCES', 'not-allowed'],
  ['EPERM', 'not-allowed'],
])

interface Manner {
  readonly severity: Severity
  readonly summary: (address: string) => Text
  readonly advice: Text
}

const manners: Readonly<Record<FailureKind, Manner>> = {
  dns: {
    severity: 'critical',
    summary: (a) => say`the name of ${a} cannot be resolved`,
    advice: say`check the name in the configuration and the resolver of this host`,
  },
  refused: {
    severity: 'critical',
    summary: (a) => say`nothing listens on ${a}`,
    advice: say`start the server, or correct the address; its own log says why it stopped`,
  },
  'timeout-connect': {
    severity: 'critical',
    summary: (a) => say`no answer to a TCP connect from ${a}`,
    advice: say`check that the host is up, and the firewalls and routes on the way`,
  },
  'timeout-reply': {
    severity: 'critical',
    summary: (a) =>
      a.startsWith('/')
        ? say`${a} accepts connections but does not answer`
        : say`${a} accepts TCP but does not answer`,
    advice: say`the process hangs: look for a stopped (SIGSTOP), swapping or overloaded server, then restart it`,
  },
  reset: {
    severity: 'critical',
    summary: (a) => say`${a} closes the connection during the handshake`,
    advice: say`look into the server's log for the reason; a proxy in between may have lost its server`,
  },
  'tls-untrusted': {
    severity: 'critical',
    summary: (a) => say`the certificate of ${a} is not trusted`,
    advice: say`have it signed by a known authority, or name your own authority in the option "ca"`,
  },
  'tls-expired': {
    severity: 'critical',
    summary: (a) => say`the certificate of ${a} has expired`,
    advice: say`renew the certificate and reload the server`,
  },
  'tls-hostname': {
    severity: 'critical',
    summary: (a) => say`the certificate of ${a} is for another name`,
    advice: say`use the name that stands in the certificate, or have this one added to it`,
  },
  'tls-plain': {
    severity: 'critical',
    summary: (a) => say`${a} does not speak TLS`,
    advice: say`use the TLS port, or switch TLS off in the options of this entry`,
  },
  'auth-missing': {
    severity: 'critical',
    summary: (a) => say`${a} wants a password and none is configured`,
    advice: say`give this entry a user and a password`,
  },
  'auth-failed': {
    severity: 'critical',
    summary: (a) => say`${a} refuses the login`,
    advice: say`check user and password of this entry; it is tried again every 10 minutes, so that no account gets locked`,
  },
  'not-allowed': {
    severity: 'warning',
    summary: (a) => say`${a} does not allow this`,
    advice: say`grant the missing right to the user of this entry`,
  },
  'not-found': {
    severity: 'critical',
    summary: (a) => say`what was asked for does not exist on ${a}`,
    advice: say`create it, or correct its name in the options of this entry`,
  },
  'too-many': {
    severity: 'critical',
    summary: (a) => say`${a} is up but takes no more connections`,
    advice: say`find the client that leaks connections, or raise the limit`,
  },
  starting: {
    severity: 'warning',
    summary: (a) => say`${a} is still starting`,
    advice: say`wait for it; if it takes much longer than usual, look into its log`,
  },
  busy: {
    severity: 'critical',
    summary: (a) => say`${a} is blocked by a long command`,
    advice: say`find and end the command that blocks it`,
  },
  'read-only': {
    severity: 'critical',
    summary: (a) => say`${a} refuses writes`,
    advice: say`find out why it is read-only: a replica, a full disk, or set so by hand`,
  },
  redirect: {
    severity: 'warning',
    summary: (a) => say`${a} points to another node`,
    advice: say`this is a cluster: configure it as one`,
  },
  protocol: {
    severity: 'critical',
    summary: (a) => say`${a} speaks another protocol`,
    advice: say`the port belongs to another service: correct the address of this entry`,
  },
  local: {
    severity: 'warning',
    summary: (a) => say`this host cannot open a connection to ${a}`,
    advice: say`the watchman's own host is out of sockets or file descriptors: raise its limits`,
  },
}
