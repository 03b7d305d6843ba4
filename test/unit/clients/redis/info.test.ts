import { expect, test } from 'vitest'
import { RedisInfo, redisPairs } from '../../../../src/clients/redis/info.ts'
import { CannotTell } from '../../../../src/core/story.ts'

const info = new RedisInfo(
  '# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/redis:server\r\nrun_id:\r\n\r\n# Memory\r\nratio:7.57\r\n',
)

test('fields are read as text and as numbers', () => {
  expect(info.text('redis_version')).toBe('7.0.15')
  expect(info.text('executable')).toBe('/usr/bin/redis:server')
  expect(info.number('ratio')).toBe(7.57)
  expect(info.startingWith('re')).toEqual([['redis_version', '7.0.15']])
})

test('a field that is absent, or no number, is never 0', () => {
  expect(() => info.number('absent')).toThrow(CannotTell)
  expect(() => info.number('redis_version')).toThrow(CannotTell)
  expect(() => info.text('absent')).toThrow(CannotTell)
  expect(info.numberOr('absent', null)).toBeNull()
  expect(info.textOr('absent', 'none')).toBe('none')
})

test('a section that the server does not know is empty', () => {
  expect(new RedisInfo('').isEmpty).toBe(true)
  expect(info.isEmpty).toBe(false)
})

test('pairs inside a field are taken apart', () => {
  const slave = redisPairs('ip=127.0.0.1,port=7002,state=online,offset=42,lag=0')
  expect(slave.get('state')).toBe('online')
  expect(redisPairs('').size).toBe(0)
})
