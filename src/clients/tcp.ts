import { connect, type Socket } from 'node:net'
import { ConnectionFailure, failureOf } from '../core/failure.ts'
import { milliseconds, say } from '../core/text.ts'

/**
 * Opens a bare TCP connection, reads what the server says by itself for a moment, and closes. It tells a host that
 * is down from a process that hangs, and reads the reason that a full server gives before it closes.
 * @returns the first bytes that the server sent, unasked unless `send` is given, as latin1; empty where it waits for the client.
 * @throws ConnectionFailure when TCP does not stand within `connectTimeout` (default 3000 ms).
 */
export async function rawProbe(
  to: { readonly host: string; readonly port: number } | { readonly path: string },
  options: {
    readonly signal: AbortSignal
    readonly connectTimeout?: number
    readonly listen?: number
    /** What to say first, to a server that waits for its client. */
    readonly send?: string
  },
): Promise<string> {
  const socket = await connectTcp(to, options)
  try {
    if (options.send !== undefined) socket.write(options.send)
    return await firstBytes(socket, options.listen ?? 300, options.signal)
  } finally {
    socket.destroy()
  }
}

/**
 * Opens a bare TCP connection (or that of a Unix socket), for a client library that takes one. Errors of it that
 * nobody else listens for are dropped.
 * @throws ConnectionFailure when it does not stand within `connectTimeout` (default 3000 ms).
 */
export async function connectTcp(
  to: { readonly host: string; readonly port: number } | { readonly path: string },
  options: { readonly signal: AbortSignal; readonly connectTimeout?: number },
): Promise<Socket> {
  options.signal.throwIfAborted()
  const address = 'path' in to ? to.path : `${to.host}:${to.port}`
  const socket = connect(to)
  socket.on('error', () => {}) // an error without a listener would end the process
  try {
    await connected(socket, address, options.connectTimeout ?? 3000, options.signal)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function connected(socket: Socket, address: string, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const detail = say`nothing within ${milliseconds(ms)}`
    const timer = setTimeout(() => reject(new ConnectionFailure('timeout-connect', address, { detail })), ms)
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
    socket.once('connect', () => {
      done()
      resolve()
    })
    socket.once('error', (error) => {
      done()
      reject(failureOf(error, address) ?? error)
    })
  })
}

function firstBytes(socket: Socket, ms: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve(heard)
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      end()
    })
    socket.once('close', end)
    socket.once('error', end)
  })
}
