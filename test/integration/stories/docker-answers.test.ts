import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import story from '../../../stories/docker/index.ts'
import {
  type RecordedAnswer,
  type RecordedHttp,
  startRecordedHttp,
} from '../../support/servers/recorded-http.ts'
import { teller } from '../../support/teller.ts'

const minute = 60_000
const hour = 3_600_000

/** What a real engine cannot be brought to say within a test, in the form in which Docker 20.10 says it. */
describe('written answers of an engine, over hours', () => {
  let server: RecordedHttp
  let answers: Record<string, RecordedAnswer>
  /** The engine's clock. */
  let at: number
  beforeEach(async () => {
    at = Date.parse('2026-11-21T06:00:00Z')
    answers = { '/version': { body: { ApiVersion: '1.41' } }, '/events': { body: '' } }
    server = await startRecordedHttp({ answers })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const ago = (ms: number) => new Date(at - ms).toISOString()

  /** Answers with this one container; made two hours before, and running since. */
  const answer = ({ State = {}, ...more }: { State?: object; RestartCount?: number } = {}) => {
    const headers = { date: new Date(at).toUTCString() }
    answers['/containers/json'] = { headers, body: [{ Id: 'c1', Names: ['/web'] }] }
    answers['/containers/c1/json'] = {
      body: {
        Id: 'c1',
        Name: '/web',
        Created: ago(2 * hour),
        RestartCount: 0,
        HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
        State: {
          Status: 'running',
          OOMKilled: false,
          ExitCode: 0,
          Error: '',
          StartedAt: ago(2 * hour),
          FinishedAt: '0001-01-01T00:00:00Z',
          ...State,
        },
        ...more,
      },
    }
  }

  const watchIt = () => {
    const watch = teller(story, { url: server.url })
    return async (step: string) => {
      const told = await watch.tell(step)
      return { outcome: told.step(step).outcome, words: told.summaries(step), told }
    }
  }

  test('restarts count within the window only, and anew after a start by a person', async () => {
    const look = watchIt()
    const restarted = (times: number, later = minute) => {
      at += later
      answer({ RestartCount: times })
      return look('restarts')
    }
    expect((await restarted(50)).outcome).toBe('ok')
    expect((await restarted(52)).outcome).toBe('ok')
    expect((await restarted(53)).words).toEqual(['web was restarted 3 times within 10 min (limit 3)'])
    const { told } = await restarted(60)
    expect(told.step('restarts').findings).toMatchObject([
      { severity: 'critical', evidence: { restarts: 10, restartsInAll: 60 } },
    ])
    expect((await restarted(60, hour)).outcome).toBe('ok')
    expect((await restarted(62)).outcome).toBe('ok')
    expect((await restarted(0)).outcome).toBe('ok')
  })

  test('a kill for lack of memory is told for an hour, though the engine forgets it sooner', async () => {
    const look = watchIt()
    const event = (time: number) => ({ Action: 'oom', Actor: { ID: 'c1' }, time, timeNano: time * 1e9 })
    const seconds = at / 1000
    answers['/events'] = {
      body: [seconds - 40, seconds - 9].map((time) => JSON.stringify(event(time))).join('\n'),
    }
    answer({ RestartCount: 2, State: { Status: 'restarting', ExitCode: 137, OOMKilled: true } })
    expect((await look('oom')).words).toEqual([
      'the kernel killed 2 processes in web for lack of memory within 1 h, the last one 9 s ago (it is being restarted)',
    ])
    answers['/events'] = { body: '' }
    at += hour / 2
    answer()
    expect((await look('oom')).words[0]).toMatch(/^the kernel killed 2 .+\(it runs\)$/)
    at += hour / 2
    answer()
    expect((await look('oom')).outcome).toBe('ok')
  })

  test('where the events say nothing, what is said of the last run counts', async () => {
    answer({ State: { Status: 'exited', ExitCode: 137, OOMKilled: true, FinishedAt: ago(82_000) } })
    expect((await watchIt()('oom')).words).toEqual([
      'the kernel killed 1 process in web for lack of memory within 1 h, the last one 1 min 22 s ago (it is down)',
    ])
  })

  test('a container that the engine cannot remove is told once it lasts', async () => {
    const look = watchIt()
    answer({ State: { Status: 'removing' } })
    expect((await look('stuck')).outcome).toBe('ok')
    at += 11 * minute
    answer({ State: { Status: 'removing' } })
    expect((await look('stuck')).words).toEqual([
      'web has been in the state removing for 11 min (limit 10 min): the engine cannot remove it',
    ])
  })

  test('an answer of another form is unknown', async () => {
    answers['/containers/json'] = { body: [{ Id: 'c1', Names: ['/web'] }] }
    answers['/containers/c1/json'] = { body: { Id: 'c1', Name: '/web', State: 'running' } }
    const { told } = await watchIt()('health')
    expect(told.reason('health')).toBe(`${new URL(server.url).host} gave an answer of another form`)
  })
})
