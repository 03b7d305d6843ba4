import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePlace, type Place } from '../support/program.ts'
import { type HttpReceiver, startHttpReceiver } from '../support/servers/http-receiver.ts'
import { freePort } from '../support/servers/ports.ts'
import { until } from '../support/servers/until.ts'

const stories = join(import.meta.dirname, '../support/stories')

function placeWith(channels: string, alarms = ''): Promise<Place> {
  return makePlace({
    'healthz.yaml': `
http: off
store: { file: state.db }
plugins: [${stories}]
stories: [{ story: light, name: north, every: 1s, with: { file: north } }]
channels: ${channels}
alarms: { groupWait: 0s, confirm: 1, clear: 1${alarms} }
`,
  })
}

const kinds = ({ requests }: HttpReceiver) =>
  requests.flatMap(({ body }) => JSON.parse(body).alarms.map(({ kind }: { kind: string }) => kind))

test('a channel that was down hears of the fault before it hears of its end', async () => {
  await using receiver = await startHttpReceiver()
  receiver.answerOnce({ status: 503 })
  await using place = await placeWith(`{ hook: { use: webhook, url: "${receiver.url}" } }`)
  await place.write('north', 'red')
  const daemon = await place.daemon()
  await daemon.says('alarm not taken')
  await place.write('north', 'green')
  await daemon.says('recovered', { problem: 'north/green' })
  await until('both were taken', () => daemon.log().filter(({ msg }) => msg === 'alarm sent').length === 2)
  expect(kinds(receiver)).toEqual(['raised', 'raised', 'recovered'])
})

test('what a channel cannot deliver reaches its fallback, and so does the end of it', async () => {
  await using receiver = await startHttpReceiver()
  await using place = await placeWith(
    `{ dead: { use: webhook, url: "http://127.0.0.1:${await freePort()}" }, spare: { use: webhook, url: "${receiver.url}" } }`,
    ', routes: [{ to: [dead] }], fallback: spare, fallbackAfter: 1s',
  )
  await place.write('north', 'red')
  const daemon = await place.daemon()
  await until('the fallback is told', () => kinds(receiver).length === 1, { deadline: 15_000 })
  await place.write('north', 'green')
  await until('it is told of the end', () => kinds(receiver).length === 2)
  expect(kinds(receiver)).toEqual(['raised', 'recovered'])
  daemon.signal('SIGTERM')
  expect((await daemon.ended()).code).toBe(0)
})
