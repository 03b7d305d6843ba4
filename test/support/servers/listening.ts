import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { onOwnPort } from './own-ports.ts'

/**
 * Listens on a free loopback port, and can be taken down and put up again on the same port. While it is down its
 * port refuses; going down breaks the open connections off.
 */
export async function startListening(create: () => Endpoint): Promise<Listening> {
  let current = await onOwnPort((port) => open(create(), port))
  const { port } = current
  return {
    port,
    up: async () => {
      if (!current.server.listening) current = await open(create(), port)
    },
    down: () => close(current),
    hangUp: () => current.hangUp(),
    [Symbol.asyncDispose]: () => close(current),
  }
}

export interface Listening extends AsyncDisposable {
  readonly port: number
  up(): Promise<void>
  down(): Promise<void>
  /** Breaks the open connections off, and goes on listening. */
  hangUp(): void
}

export interface Endpoint {
  readonly server: Server
  /** How the open connections are broken off; they are reset if left out. */
  readonly hangUp?: () => void
}

/** Listens on the loopback address and gives the port. */
export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

interface Open extends Required<Endpoint> {
  readonly port: number
}

async function open({ server, hangUp = resetAll(server) }: Endpoint, wanted: number): Promise<Open> {
  return { server, hangUp, port: await listen(server, wanted) }
}

async function close({ server, hangUp }: Open): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  hangUp()
  await closed
}

function resetAll(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
}
