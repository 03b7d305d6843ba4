import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import supervisor from '../../../../stories/supervisor/index.ts'
import { type Listening, startListening } from '../../../support/servers/listening.ts'
import { teller } from '../../../support/teller.ts'

/** A supervisord of an old version in another container: it tells no configuration, and its processes are not ours. */
const answers: Readonly<Record<string, string>> = {
  getState: struct({ statecode: '<int>1</int>', statename: '<string>RUNNING</string>' }),
  getPID: '<int>1</int>',
  getAllProcessInfo: `<array><data>${program('web', 20, '')}${program('job', 100, 'Bad exit code 2')}</data></array>`,
}

function struct(members: Record<string, string>): string {
  const xml = Object.entries(members).map(
    ([name, value]) => `<member><name>${name}</name><value>${value}</value></member>`,
  )
  return `<struct>${xml.join('')}</struct>`
}

function program(name: string, state: number, fault: string): string {
  const int = (value: number) => `<int>${value}</int>`
  const string = (value: string) => `<string>${value}</string>`
  return `<value>${struct({
    name: string(name),
    group: string(name),
    state: int(state),
    start: int(1795215500),
    stop: int(state === 20 ? 0 : 1795215502),
    now: int(1795215562),
    spawnerr: string(fault),
    exitstatus: int(fault === '' ? 0 : 2),
    pid: int(state === 20 ? 4_194_301 : 0),
  })}</value>`
}

function answer(call: string): string {
  const value = answers[/<methodName>supervisor\.(\w+)</.exec(call)?.[1] ?? '']
  if (value !== undefined)
    return `<methodResponse><params><param><value>${value}</value></param></params></methodResponse>`
  const fault = struct({ faultCode: '<int>1</int>', faultString: '<string>UNKNOWN_METHOD</string>' })
  return `<methodResponse><fault><value>${fault}</value></fault></methodResponse>`
}

let server: Listening
beforeAll(async () => {
  server = await startListening(() => ({
    server: createServer(async (request, response) => {
      response.end(answer(await text(request)))
    }),
  }))
})
afterAll(() => server[Symbol.asyncDispose]())

test('what an old supervisord cannot say is unknown, the rest is told', async () => {
  const options = { url: `http://127.0.0.1:${server.port}`, resources: true }
  const told = await teller(supervisor, options, { drift: {} }).tell()
  expect(told.reason('drift')).toBe('this version of supervisord does not tell its configuration')
  expect(told.reason('resources')).toBe(
    'supervisord does not run on this host, so its processes cannot be looked at',
  )
  expect(told.summaries('exited')).toEqual([
    'job is down: it ended with exit code 2 1 min ago, and supervisord does not start it again',
  ])
  expect(told.cures.get('exited/job')?.consent).toBe('auto')
})
