import { createServer, type Socket } from 'node:net'
import { startHttpReceiver } from './servers/http-receiver.ts'
import { startListening } from './servers/listening.ts'
import { freePort } from './servers/ports.ts'

/** The ports of servers by what they speak; of one manner each. */
export interface Ports {
  readonly redis: number
  readonly mysql: number
  readonly smtp: number
  readonly http: number
}

/** Starts servers that refuse, hang and fail; the failing ones quote what they were given, and more of it. */
export async function startHostile(quoted: string): Promise<Hostile> {
  await using stack = new AsyncDisposableStack()
  const same = (port: number): Ports => ({ redis: port, mysql: port, smtp: port, http: port })
  const hung = stack.use(await startListening(() => ({ server: createServer() })))
  const redis = stack.use(await startTalking('', () => `-ERR no login with ${quoted}\r\n`))
  const mysql = stack.use(await startTalking(mysqlError(`no login with ${quoted}`), () => ''))
  const smtp = stack.use(await startTalking('220 mail\r\n', (line) => smtpReply(line, quoted)))
  const http = stack.use(await startHttpReceiver())
  http.answer({ status: 500, body: `no login with ${quoted}`, headers: { 'x-quoted': quoted } })
  const owned = stack.move()
  return {
    refused: same(await freePort()),
    hung: same(hung.port),
    failed: { redis: redis.port, mysql: mysql.port, smtp: smtp.port, http: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface Hostile extends AsyncDisposable {
  readonly refused: Ports
  readonly hung: Ports
  readonly failed: Ports
}

function startTalking(greeting: string | Buffer, reply: (heard: string) => string) {
  const talk = (socket: Socket) => {
    socket.on('error', () => {}) // the client may hang up at any time
    socket.write(greeting)
    socket.on('data', (data) => socket.write(reply(data.toString('latin1'))))
  }
  return startListening(() => ({ server: createServer(talk) }))
}

function smtpReply(heard: string, quoted: string): string {
  if (/^EHLO/i.test(heard)) return '250-mail\r\n250 AUTH PLAIN LOGIN\r\n'
  return /^AUTH/i.test(heard) ? `535 no login with ${quoted}\r\n` : '250 fine\r\n'
}

/** An error packet in place of a greeting: length, number, 0xff, error code, state, message. */
function mysqlError(message: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, 0x15, 0x04]), Buffer.from(`#28000${message}`)])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])
}
