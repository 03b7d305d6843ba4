import { ConnectionFailure, type FailureKind, say, type Text, XmlRpcFault, type XmlRpcServer } from 'healthz'

/** Supervisord is there and refuses its service for now. */
export class NotServing extends ConnectionFailure {
  readonly code: number

  constructor(address: string, code: number) {
    super('starting', address)
    this.code = code
  }

  override get severity() {
    return 'critical' as const
  }

  override get summary(): Text {
    if (this.code === 0) return say`supervisord on ${this.address} is restarting`
    if (this.code < 0) return say`supervisord on ${this.address} is shutting down`
    return say`supervisord on ${this.address} is in a failed state`
  }

  override get advice(): Text {
    return say`nobody restarts the programs in the meantime: see in its log which program it waits for, and start it again`
  }
}

/** A failure to reach supervisord, with what is special about it. Other errors come back as they are. */
export function explainFailure(error: unknown, server: XmlRpcServer, address: string): unknown {
  if (error instanceof XmlRpcFault) {
    return error.code === shutdownFault
      ? new NotServing(address, -1)
      : new ConnectionFailure('protocol', address)
  }
  if (!(error instanceof ConnectionFailure)) return error
  const explain = explanations[error.kind]
  return explain === undefined
    ? error
    : new ConnectionFailure(error.kind, address, { ...explain(error, server), cause: error.cause })
}

/** The fault that every call gets while it shuts down. */
const shutdownFault = 6

const explanations: Partial<
  Record<
    FailureKind,
    (error: ConnectionFailure, server: XmlRpcServer) => { detail?: Text | null; advice?: Text }
  >
> = {
  refused: ({ cause, detail }, { socketPath }) => {
    if (socketPath === undefined) return { detail, advice: orphanAdvice }
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    return {
      detail: isMissing ? say`there is no such socket` : say`the socket is left over from a dead supervisord`,
      advice: orphanAdvice,
    }
  },
  'timeout-reply': ({ detail }) => ({
    detail,
    advice: say`supervisord hangs and restarts nothing: look whether it is stopped (SIGSTOP) or waits for a disk, then restart it; its programs run on`,
  }),
  'not-allowed': (_, { socketPath }) => ({
    detail:
      socketPath === undefined
        ? null
        : say`the watchman's user may not write to the socket; set chown or chmod under [unix_http_server]`,
  }),
}

const orphanAdvice = say`supervisord is down, but its programs may run on without it: list them (ps -eo pid,ppid,lstart,comm) and end those that are left before starting supervisord, or each will run twice`
