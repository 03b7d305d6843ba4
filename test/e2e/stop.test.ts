import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePlace, type Place, type Program } from '../support/program.ts'
import { startHttpReceiver } from '../support/servers/http-receiver.ts'
import { until } from '../support/servers/until.ts'
import { readStore } from '../support/store/file.ts'

const stories = join(import.meta.dirname, '../support/stories')

/** A place for a daemon whose one entry hangs at this point, telling of it to this URL. */
function placeWith(hangs: string, url = 'http://127.0.0.1:9'): Promise<Place> {
  return makePlace({
    'healthz.yaml': `
http: { listen: 127.0.0.1:0 }
store: { file: state.db }
plugins: [${stories}]
stories:
  - { story: light, every: 1s, confirmAfter: 100ms, with: { file: light, cure: auto, hangs: ${hangs} }, deadlines: { step: 20s } }
channels: { ops: { use: webhook, url: "${url}" } }
alarms: { groupWait: 0s }
`,
    light: 'red',
  })
}

const hanging = (program: Program, what: string) =>
  until(`the ${what} hangs`, () => program.stderr().includes(`the ${what} hangs`))

/** Asks it to end; gives its end and how long that took, in milliseconds. */
async function stop(program: Program, signal: NodeJS.Signals = 'SIGTERM') {
  const asked = performance.now()
  program.signal(signal)
  const ended = await program.ended()
  return { ...ended, took: performance.now() - asked }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s during a round that hangs ends it in order, soon',
  async (signal) => {
    await using place = await placeWith('step')
    const daemon = place.start('-d')
    await hanging(daemon, 'step')
    const { code, took, stderr } = await stop(daemon, signal)
    expect(code).toBe(0)
    expect(took).toBeLessThan(3000)
    expect(stderr).toBe('the step hangs\n')
    expect(daemon.log().map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['started', 'round interrupted', 'stopped']),
    )
    expect(daemon.log().filter(({ level }) => level === 'error')).toEqual([])
    expect(place.processes()).toEqual([])
    expect(readStore(place.dir)).toMatchObject({ outbox: [], cures: [] })
    expect(readStore(place.dir).entries).not.toContain('light')
  },
)

test('SIGTERM during a cure ends it in order: the cure is written down as interrupted, the alarm kept', async () => {
  await using place = await placeWith('cure')
  const daemon = place.start('-d')
  await hanging(daemon, 'cure')
  const { code, took } = await stop(daemon)
  expect(code).toBe(0)
  expect(took).toBeLessThan(3000)
  const { outbox, cures } = readStore(place.dir)
  expect(outbox).toMatchObject([{ kind: 'raised', status: 'pending' }])
  expect(cures).toEqual([expect.stringContaining('interrupted')])
})

test('SIGTERM during a send ends it in order: the alarm is kept and sent again under its key', async () => {
  await using receiver = await startHttpReceiver()
  receiver.answer('hang')
  await using place = await placeWith('none', receiver.url)
  await place.write(
    'healthz.yaml',
    (await place.read('healthz.yaml')).replace(', cure: auto, hangs: none', ''),
  )
  const daemon = place.start('-d')
  await until('it sends', () => receiver.requests[0])
  const { code, took } = await stop(daemon)
  expect(code).toBe(0)
  expect(took).toBeLessThan(3000)
  expect(readStore(place.dir).outbox).toMatchObject([{ kind: 'raised', status: 'pending' }])

  receiver.answer({ status: 200 })
  const again = place.start('-d')
  const repeated = await until('it sends again', () => receiver.requests[1])
  expect(repeated.headers['idempotency-key']).toBe(receiver.requests[0]?.headers['idempotency-key'])
  await again.says('alarm sent')
  expect((await stop(again)).code).toBe(0)
  expect(readStore(place.dir).outbox).toMatchObject([{ kind: 'raised', status: 'sent' }])
})

test('a second SIGTERM ends it at once', async () => {
  await using place = await placeWith('close')
  const daemon = await place.daemon()
  await hanging(daemon, 'close')
  daemon.signal('SIGTERM')
  await until('the first was heard', async () => (await daemon.get('/readyz')).status === 503)
  const { code, took } = await stop(daemon)
  expect(code).toBe(143)
  expect(took).toBeLessThan(3000)
  expect(daemon.log().map(({ msg }) => msg)).not.toContain('stopped')
})
