import { expect, test } from 'vitest'
import { ConnectionFailure } from '../../../../src/core/failure.ts'
import { render } from '../../../../src/core/text.ts'
import { faultsOf } from '../../../../stories/redis/sentinel-faults.ts'
import type { Peer, SentinelView, Watched } from '../../../../stories/redis/sentinel-view.ts'

const peer = (address: string, ...flags: string[]): Peer => ({ address, flags: new Set(flags) })

const [one, two, three] = ['10.0.0.1:26379', '10.0.0.2:26379', '10.0.0.3:26379'] as const
const master = '10.0.0.7:6379'

function view(address: string, watched: Partial<Watched> = {}, isTilted = false): SentinelView {
  const others = [one, two, three].filter((other) => other !== address)
  return {
    address,
    isTilted,
    watched: {
      master: peer(master, 'master'),
      hasQuorum: true,
      replicas: [peer('10.0.0.8:6379', 'slave')],
      sentinels: others.map((other) => peer(other, 'sentinel')),
      ...watched,
    },
  }
}

const told = (views: readonly SentinelView[], unreached: readonly ConnectionFailure[] = [], sentinels = 3) =>
  faultsOf(views, unreached, { name: 'mymaster', sentinels }).map(({ key, severity }) => `${severity} ${key}`)

test('sentinels that agree are well', () => {
  expect(told([view(one), view(two), view(three)])).toEqual([])
})

test('two masters are critical, and it is told who names which', () => {
  const apart = view(three, { master: peer('10.0.0.8:6379', 'master') })
  const [fault] = faultsOf([view(one), view(two), apart], [], { name: 'mymaster', sentinels: 3 })
  expect(fault).toMatchObject({ key: 'disagree', severity: 'critical' })
  expect(render(fault?.summary ?? '')).toBe(
    `the sentinels name different masters for mymaster: ${master} (${one}, ${two}), 10.0.0.8:6379 (${three})`,
  )
})

test('a master that one of them does not hear is a warning, one that they agree on is critical', () => {
  const blind = { master: peer(master, 'master', 's_down') }
  expect(told([view(one, blind), view(two), view(three)])).toEqual(['warning master'])
  const dead = { master: peer(master, 'master', 's_down', 'o_down') }
  expect(told([view(one, dead), view(two, dead), view(three)])).toEqual(['critical master'])
})

test('a sentinel in TILT counts for nothing, whatever it says of the quorum', () => {
  expect(told([view(one, {}, true), view(two), view(three)])).toEqual([`warning tilt ${one}`])
  expect(told([view(one, {}, true), view(two, { hasQuorum: false })])).toEqual([
    'critical quorum',
    `warning tilt ${one}`,
  ])
})

test('one that hears too few others is a warning while another hears enough', () => {
  expect(told([view(one, { hasQuorum: false }), view(two), view(three)])).toEqual([`warning quorum ${one}`])
})

test('a sentinel that is down is told once, also where it has one name here and another among its peers', () => {
  const heard = { sentinels: [peer(two, 'sentinel'), peer(three, 'sentinel', 's_down')] }
  const also = { sentinels: [peer(one, 'sentinel'), peer(three, 'sentinel', 's_down', 'disconnected')] }
  const views = [view(one, heard), view(two, also)]
  expect(told(views, [new ConnectionFailure('refused', three)])).toEqual([`warning sentinel ${three}`])
  expect(told(views, [new ConnectionFailure('refused', 'sentinel-3:26379')])).toEqual([
    'warning sentinel sentinel-3:26379',
  ])
  expect(told(views)).toEqual([`warning sentinel ${three}`])
})

test('sentinels that nobody knows of are missed', () => {
  expect(told([view(one), view(two), view(three)], [], 5)).toEqual(['warning sentinels'])
  const stranger: SentinelView = { address: three, isTilted: false, watched: null }
  const pair = (other: string) => ({ sentinels: [peer(other, 'sentinel')] })
  expect(told([view(one, pair(two)), view(two, pair(one)), stranger])).toEqual([`warning unknowing ${three}`])
})

test('a replica is down where most say so; without any other it is critical', () => {
  const replicas = (...flags: string[]) => ({
    replicas: [peer('10.0.0.8:6379', 'slave', ...flags), peer('10.0.0.9:6379', 'slave')],
  })
  const down = replicas('s_down', 'disconnected')
  expect(told([view(one, down), view(two, replicas()), view(three, replicas())])).toEqual([])
  expect(told([view(one, down), view(two, down), view(three, replicas())])).toEqual([
    'warning replica 10.0.0.8:6379',
  ])
  const alone = { replicas: [peer('10.0.0.8:6379', 'slave', 's_down')] }
  expect(told([view(one, alone), view(two, alone), view(three, alone)])).toEqual([
    'critical replica 10.0.0.8:6379',
  ])
  const none = { replicas: [] }
  expect(told([view(one, none), view(two, none), view(three, none)])).toEqual(['warning replicas'])
})
