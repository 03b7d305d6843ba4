import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { request } from '../../../src/clients/request.ts'
import { startListening } from '../../support/servers/listening.ts'

test('a request that is given up before it began fails with the reason, and nothing else happens', async () => {
  const reason = new Error('given up')
  const url = new URL('http://127.0.0.1:1/')
  await expect(request(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('an answer that breaks off is a failure, unless the caller takes it', async () => {
  await using server = await startListening(() => ({
    server: createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'))
    }),
  }))
  const url = new URL(`http://127.0.0.1:${server.port}/`)
  const { signal } = new AbortController()
  await expect(request(url, { signal })).rejects.toMatchObject({ kind: 'reset' })
  const response = await request(url, { signal, takesBroken: true })
  expect(response).toMatchObject({ status: 200, body: 'abc', isBroken: true, isTruncated: false })
})
