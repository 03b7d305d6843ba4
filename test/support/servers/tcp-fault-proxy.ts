import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { startListening } from './listening.ts'

/** Starts a TCP proxy in front of a loopback port; it can fail as a network does. */
export async function startTcpFaultProxy(target: number): Promise<TcpFaultProxy> {
  const wire = makeWire()
  let behind = target
  const listening = await startListening(() => ({
    server: createServer({ allowHalfOpen: true }, (client) => join(client, behind, wire)),
  }))
  return {
    port: listening.port,
    leadTo(port) {
      behind = port
      listening.hangUp()
    },
    async become(mode, { delay } = { delay: 0 }) {
      wire.set(mode, delay)
      if (mode === 'refuse') return await listening.down()
      if (mode === 'reset') listening.hangUp()
      await listening.up()
    },
    async [Symbol.asyncDispose]() {
      wire.set('reset', 0)
      await listening.down()
    },
  }
}

export interface TcpFaultProxy extends AsyncDisposable {
  readonly port: number
  /** Puts another port behind it, and hangs up. */
  leadTo(port: number): void
  /** `delay`, in milliseconds, holds each chunk in both directions in mode `delay`. */
  become(mode: TcpFault, options?: { readonly delay: number }): Promise<void>
}

/**
 * `black-hole`: connections open and nothing comes through, not even an end; what was sent arrives late, as behind
 * a firewall that drops packets for a while. `no-requests` and `no-answers`: the same in one direction only. `refuse`:
 * nothing listens, open connections are reset. `reset`: connections are accepted and reset at once, as are the open
 * ones.
 */
export type TcpFault = 'pass' | 'black-hole' | 'no-requests' | 'no-answers' | 'refuse' | 'delay' | 'reset'

type Direction = 'request' | 'answer'

const held: Readonly<Partial<Record<TcpFault, readonly Direction[]>>> = {
  'black-hole': ['request', 'answer'],
  'no-requests': ['request'],
  'no-answers': ['answer'],
}

interface Wire {
  set(mode: TcpFault, delay: number): void
  resets(): boolean
  /** Resolves when a chunk that arrives now would have come through. */
  crossing(direction: Direction): Promise<void>
}

function makeWire(): Wire {
  let mode: TcpFault = 'pass'
  let delay = 0
  let opening = Promise.withResolvers<void>()
  return {
    set(nextMode, nextDelay) {
      mode = nextMode
      delay = nextMode === 'delay' ? nextDelay : 0
      // Who is still to be held goes to wait again.
      opening.resolve()
      opening = Promise.withResolvers<void>()
    },
    resets: () => mode === 'reset',
    async crossing(direction) {
      if (delay > 0) await sleep(delay)
      // The hole may have opened and closed again before this waiter had its turn.
      while (held[mode]?.includes(direction)) await opening.promise
    },
  }
}

function join(client: Socket, target: number, wire: Wire): void {
  if (wire.resets()) {
    client.resetAndDestroy()
    return
  }
  const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
  carry(client, server, () => wire.crossing('request'))
  carry(server, client, () => wire.crossing('answer'))
}

function carry(from: Socket, to: Socket, crossing: () => Promise<void>): void {
  const way = new Transform({
    transform: (chunk, _encoding, done) => void crossing().then(() => done(null, chunk)),
    flush: (done) => void crossing().then(() => done()),
  })
  from.pipe(way).pipe(to)
  from.on('error', () => {}) // told to the other side below
  from.once('close', () => {
    if (!from.readableEnded) void crossing().then(() => to.resetAndDestroy())
  })
}
