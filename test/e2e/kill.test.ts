import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { makePlace, type Program } from '../support/program.ts'
import { type HttpReceiver, startHttpReceiver } from '../support/servers/http-receiver.ts'
import { startSmtp } from '../support/servers/smtp.ts'
import { until } from '../support/servers/until.ts'
import { readStore } from '../support/store/file.ts'

const stories = join(import.meta.dirname, '../support/stories')

const configWith = (channel: string, entries: string) => `
http: off
store: { file: state.db }
plugins: [${stories}]
stories: [${entries}]
channels: { ops: ${channel} }
alarms: { groupWait: 0s, confirm: 1, clear: 1, flapping: { raises: 100 } }
`

const light = (name: string, more = '') =>
  `{ story: light, name: ${name}, every: 1s, with: { file: ${name}${more} }, resolve: { coolDown: 0s, maxAttempts: 100 } }`

async function kill(program: Program): Promise<void> {
  program.signal('SIGKILL')
  expect(await program.ended()).toMatchObject({
    signal: 'SIGKILL',
    stderr: expect.not.stringContaining('Error'),
  })
}

async function stop(program: Program): Promise<void> {
  program.signal('SIGTERM')
  expect(await program.ended()).toMatchObject({ code: 0 })
}

test('killed while a mail server keeps silent about a mail: it comes again as the same mail', async () => {
  await using smtp = await startSmtp()
  smtp.become('hang-after-data')
  const config = configWith(`{ use: mail, smtp: "${smtp.url}", to: ops@example.com }`, light('north'))
  await using place = await makePlace({ 'healthz.yaml': config, north: 'red' })
  const daemon = await place.daemon()
  await until('the mail is on its way', () => smtp.mails[0])
  await kill(daemon)
  expect(readStore(place.dir).outbox).toMatchObject([{ kind: 'raised', status: 'sending' }])

  smtp.become('accept')
  const again = await place.daemon()
  await again.says('alarm sent')
  await stop(again)
  expect(smtp.mails).toHaveLength(2)
  const [first, second] = smtp.mails
  for (const header of ['x-healthz-key', 'message-id', 'references'])
    expect(second?.header(header)).toBe(first?.header(header))
})

test('killed while a receiver hangs: it is told again under the same key', async () => {
  await using receiver = await startHttpReceiver()
  receiver.answer('hang')
  await using place = await makePlace({
    'healthz.yaml': configWith(`{ use: webhook, url: "${receiver.url}" }`, light('north')),
    north: 'red',
  })
  const daemon = await place.daemon()
  await until('it sends', () => receiver.requests[0])
  await kill(daemon)

  receiver.answer({ status: 200 })
  const again = await place.daemon()
  await again.says('alarm sent')
  await stop(again)
  const told = toldTo(receiver)
  expect(told.map(({ kind }) => kind)).toEqual(['raised', 'raised'])
  expect(told[1]?.dedupKey).toBe(told[0]?.dedupKey)
})

test('killed in a cure: people are told after the restart', async () => {
  await using receiver = await startHttpReceiver()
  await using place = await makePlace({
    'healthz.yaml': configWith(
      `{ use: webhook, url: "${receiver.url}" }`,
      light('north', ', cure: auto, hangs: cure'),
    ),
    north: 'red',
  })
  const daemon = await place.daemon()
  await daemon.says('cure began')
  await kill(daemon)
  expect(readStore(place.dir).cures).toEqual([null])
  expect(receiver.requests).toEqual([])

  const config = await place.read('healthz.yaml')
  await place.write('healthz.yaml', config.replace(', cure: auto, hangs: cure', ''))
  const again = await place.daemon()
  await until('it is told', () => receiver.requests[0])
  await stop(again)
  expect(toldTo(receiver)).toMatchObject([{ kind: 'raised', entry: 'north' }])
})

test('killed at any moment: what was told as raised is told as over, and nothing is lost', {
  timeout: 150_000,
}, async () => {
  const seed = Number(process.env['HEALTHZ_TEST_SEED'] ?? Date.now() % 1_000_000)
  console.log(`kill.test: HEALTHZ_TEST_SEED=${seed}`)
  const random = randomFrom(seed)
  await using receiver = await startHttpReceiver()
  const names = ['north', 'south', 'west']
  const entries = names.map((name) => light(name, name === 'west' ? ', cure: auto' : ''))
  await using place = await makePlace({
    'healthz.yaml': configWith(`{ use: webhook, url: "${receiver.url}" }`, entries.join(', ')),
  })
  for (let run = 0; run < 20; run++) {
    receiver.answer(random() < 0.3 ? 'hang' : { status: 200 })
    const daemon = place.start('-d')
    // Some are killed while they start.
    if (random() < 0.8) await daemon.says('started')
    const end = performance.now() + random() * 2200
    while (performance.now() < end) {
      const name = names[Math.floor(random() * names.length)] ?? 'north'
      await place.write(name, random() < 0.5 ? 'red' : 'green')
      await delay(Math.min(100 + random() * 400, Math.max(0, end - performance.now())))
    }
    await kill(daemon)
  }

  for (const name of names) await place.write(name, 'green')
  receiver.answer({ status: 200 })
  const last = await place.daemon()
  for (const entry of names) await last.says('round ended', { entry })
  await until('all is told', () => readStore(place.dir).outbox.every(({ status }) => status === 'sent'))
  await stop(last)

  const told = toldTo(receiver)
  const words = Map.groupBy(told, ({ occurrence }) => occurrence)
  const raised = [...words].filter(([, alarms]) => alarms.some(({ kind }) => kind === 'raised'))
  expect(raised.length).toBeGreaterThan(2)
  for (const [occurrence, alarms] of raised)
    expect([occurrence, alarms[0]?.kind, alarms.at(-1)?.kind]).toEqual([occurrence, 'raised', 'recovered'])
  const others = [...words.values()].flat().filter(({ occurrence }) => {
    return !raised.some(([one]) => one === occurrence)
  })
  expect(others.filter(({ kind }) => kind !== 'healed')).toEqual([])
  const keys = new Set(told.map(({ dedupKey }) => dedupKey))
  expect(readStore(place.dir).outbox.filter(({ dedupKey }) => !keys.has(dedupKey))).toEqual([])
  expect((await place.run('status')).code).toBe(0)
})

/** The alarms of all requests that came, in order. */
function toldTo(receiver: HttpReceiver): readonly Told[] {
  return receiver.requests.flatMap(({ body }): readonly Told[] => JSON.parse(body).alarms)
}

interface Told {
  readonly dedupKey: string
  readonly occurrence: string
  readonly kind: string
  readonly entry: string
}

/** Numbers from 0 to 1 that a seed gives again (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
