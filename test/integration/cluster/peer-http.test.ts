import { createServer, type RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { signQuestion } from '../../../src/cluster/peers/auth.ts'
import { createPeerClient, PeerSilent } from '../../../src/cluster/peers/client.ts'
import { type Greeting, greeting, type Handed, receipt } from '../../../src/cluster/peers/messages.ts'
import { createPeerServer, PeerRefusal } from '../../../src/cluster/peers/server.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { Secret } from '../../../src/core/secret.ts'
import { systemClock } from '../../../src/engine/system-clock.ts'
import { serve } from '../../../src/http/server.ts'
import { anAlarm } from '../../support/alarms.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { startListening } from '../../support/servers/listening.ts'
import { startTcpFaultProxy } from '../../support/servers/tcp-fault-proxy.ts'

const secret = new Secret('a long shared secret')
const hello: Greeting = { cluster: 'shop', from: 'n1', outage: null, words: [], told: [] }

/** A peer that answers `n2` and takes every alarm, behind the real HTTP server. */
async function startPeer(clock: Clock = systemClock) {
  const seen: unknown[] = []
  const back = (message: unknown): Greeting => {
    seen.push(message)
    return { ...hello, from: 'n2' }
  }
  const post = createPeerServer({
    secret,
    clock,
    handlers: {
      probe: back,
      sent: () => {
        throw new PeerRefusal(409, 'another cluster')
      },
      claim: (message) => ({ ...back(message), granted: true }),
      report: async (message) => back(message),
      alarms: async ({ alarms }) => ({
        sent: [],
        pending: alarms.map(({ channel, alarm }) => ({ channel, dedupKey: alarm.dedupKey })),
        declined: [],
      }),
    },
  })
  const failed = (_: string, error: unknown) => {
    throw error
  }
  const server = await serve({ host: '127.0.0.1', port: 0 }, () => ({}), failed, post)
  return {
    seen,
    address: `127.0.0.1:${server.port}`,
    async post(act: string, body: string, headers: Record<string, string>) {
      const url = `http://127.0.0.1:${server.port}/-/peer/${act}`
      const response = await fetch(url, { method: 'POST', body, headers })
      return { status: response.status, body: await response.text(), headers: response.headers }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const ask = (address: string, more: { clock?: Clock; secret?: Secret; deadline?: number } = {}) =>
  createPeerClient({ secret: more.secret ?? secret, clock: more.clock ?? systemClock }).ask({
    address,
    act: 'probe',
    message: hello,
    answer: greeting,
    deadline: more.deadline ?? 5000,
    signal: new AbortController().signal,
  })

const signed = (act: string, body: string) =>
  signQuestion(secret, { method: 'POST', path: `/-/peer/${act}`, body }, Date.now())

describe('a peer over HTTP', () => {
  it('answers whoever has the secret', async () => {
    await using peer = await startPeer()
    expect(await ask(peer.address)).toEqual({ ...hello, from: 'n2' })
    expect(peer.seen).toEqual([hello])
  })

  it('answers nobody else, and nothing twice', async () => {
    await using peer = await startPeer()
    await expect(ask(peer.address, { secret: new Secret('wrong') })).rejects.toThrow(PeerSilent)
    const body = JSON.stringify(hello)
    expect(await peer.post('probe', body, {})).toMatchObject({ status: 401, body: 'not authorized\n' })
    const headers = signed('probe', body)
    expect((await peer.post('claim', body, headers)).status).toBe(401)
    expect((await peer.post('probe', body, headers)).status).toBe(200)
    expect((await peer.post('probe', body, headers)).status).toBe(401)
    expect(peer.seen).toHaveLength(1)
  })

  it('is reached by a node whose clock is hours off', async () => {
    await using peer = await startPeer()
    for (const hours of [-5, 5]) {
      const clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 }
      expect((await ask(peer.address, { clock })).from).toBe('n2')
    }
    expect(peer.seen).toHaveLength(2)
  })

  it('refuses what is too large, no JSON, not understood, not there or not posted', async () => {
    await using peer = await startPeer()
    const statusOf = async (act: string, body: string) =>
      (await peer.post(act, body, signed(act, body))).status
    expect(await statusOf('probe', JSON.stringify({ ...hello, more: 'x'.repeat(65_536) }))).toBe(413)
    expect(await statusOf('alarms', 'x'.repeat(1_048_577))).toBe(413)
    for (const body of ['', '{', 'null', '[]', '{}', '"\u0000"', JSON.stringify({ ...hello, words: [{}] })]) {
      expect([body, await statusOf('probe', body)]).toEqual([body, 400])
    }
    const untrue = { ...hello, words: [{ name: 'n1', age: -1, hops: 0 }] }
    expect(await statusOf('claim', JSON.stringify(untrue))).toBe(400)
    expect(await statusOf('alarms', JSON.stringify({ ...hello, to: 'n2', hops: 1, alarms: [{}] }))).toBe(400)
    expect(await statusOf('nothing', '{}')).toBe(404)
    expect(await statusOf('__proto__', '{}')).toBe(404)
    expect(await statusOf('sent', JSON.stringify(hello))).toBe(409)
    expect((await fetch(`http://${peer.address}/-/peer/probe`)).status).toBe(405)
    expect(peer.seen).toEqual([])
  })

  it('takes alarms of more than 64 KiB together', async () => {
    await using peer = await startPeer()
    const alarms = Array.from(
      { length: 400 },
      (_, index): Handed => ({
        channel: 'ops',
        alarm: { ...anAlarm('raised'), dedupKey: `key-${index}` },
        status: 'pending',
        createdAt: 1,
        due: 1,
        attempts: 0,
        error: null,
        settledAt: null,
      }),
    )
    const message = { cluster: 'shop', from: 'n1', to: 'n2', hops: 1, alarms }
    expect(JSON.stringify(message).length).toBeGreaterThan(100_000)
    const taken = await createPeerClient({ secret, clock: systemClock }).ask({
      address: peer.address,
      act: 'alarms',
      message,
      answer: receipt,
      deadline: 5000,
      signal: new AbortController().signal,
    })
    expect(taken.pending).toHaveLength(400)
  })

  it('is not drowned by one address', async () => {
    const clock = fakeClock(Date.now())
    await using peer = await startPeer(clock)
    const statuses = new Map<number, number>()
    for (let count = 0; count < 210; count++) {
      const { status } = await peer.post('probe', '{}', {})
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    expect([...statuses]).toEqual([
      [401, 200],
      [429, 10],
    ])
    await clock.advance(1000)
    expect((await ask(peer.address, { clock })).from).toBe('n2')
  })
})

describe('whoever answers instead of a peer', () => {
  const startStranger = (listener: RequestListener) =>
    startListening(() => ({ server: createServer(listener) }))

  it('is not believed, not followed and not waited for', async () => {
    let followed = 0
    await using other = await startStranger((_request, response) => {
      followed++
      response.end(JSON.stringify(hello))
    })
    await expect(ask(`127.0.0.1:${other.port}`)).rejects.toThrow('without a valid signature')
    expect(followed).toBe(1)
    await using redirecting = await startStranger((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${other.port}/-/peer/probe` }).end()
    })
    await expect(ask(`127.0.0.1:${redirecting.port}`)).rejects.toThrow('answers 307 without')
    expect(followed).toBe(1)
    await using endless = await startStranger((_request, response) => {
      const write = () => void (response.destroyed || response.write('x'.repeat(65_536), write))
      write()
    })
    await expect(ask(`127.0.0.1:${endless.port}`)).rejects.toThrow(PeerSilent)
    await using silent = await startStranger(() => {})
    await expect(ask(`127.0.0.1:${silent.port}`, { deadline: 200 })).rejects.toThrow('does not answer')
  })

  it('cannot play an earlier answer of the peer', async () => {
    await using peer = await startPeer()
    const body = JSON.stringify(hello)
    const recorded = await peer.post('probe', body, signed('probe', body))
    await using other = await startStranger((_request, response) => {
      response.writeHead(recorded.status, Object.fromEntries(recorded.headers)).end(recorded.body)
    })
    await expect(ask(`127.0.0.1:${other.port}`)).rejects.toThrow('without a valid signature')
  })

  it('is only sought at an address that is one', async () => {
    for (const address of ['', 'host', 'host:0', 'host:70000', 'user@host:80', 'host:80/path', 'a b:80']) {
      await expect(ask(address)).rejects.toThrow(`${address} is no address`)
    }
  })

  it('is given up when the network swallows everything', async () => {
    await using peer = await startPeer()
    await using proxy = await startTcpFaultProxy(Number(peer.address.split(':')[1]))
    expect((await ask(`127.0.0.1:${proxy.port}`)).from).toBe('n2')
    await proxy.become('black-hole')
    await expect(ask(`127.0.0.1:${proxy.port}`, { deadline: 200 })).rejects.toThrow('does not answer')
    await proxy.become('refuse')
    await expect(ask(`127.0.0.1:${proxy.port}`)).rejects.toThrow('does not answer')
  })
})
