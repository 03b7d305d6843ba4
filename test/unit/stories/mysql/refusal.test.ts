import { expect, test } from 'vitest'
import { ConnectionFailure } from '../../../../src/core/failure.ts'
import { CannotTell } from '../../../../src/core/story.ts'
import { render } from '../../../../src/core/text.ts'
import { options, placeOf } from '../../../../stories/mysql/options.ts'
import { refusal } from '../../../../stories/mysql/refusal.ts'

const place = placeOf(options.parse({ url: 'mysql://hz:hunter2SECRET@db/shop' }))

function told(errno: number, message = '', at = place) {
  const failure = refusal(errno, at, message)
  if (!(failure instanceof ConnectionFailure)) throw failure
  return [failure.kind, failure.severity, render(failure.summary)]
}

test.each([
  [
    1040,
    'too-many',
    'critical',
    'db:3306 is up but takes no more connections: all its connections are in use',
  ],
  [1129, 'too-many', 'critical', 'it has blocked this host after too many connections that failed'],
  [1203, 'too-many', 'warning', "the watchman's own user hz has reached its limit"],
  [1053, 'starting', 'warning', 'db:3306 is shutting down'],
  [1044, 'not-found', 'critical', 'no database shop'],
  [1049, 'not-found', 'critical', 'no database shop'],
  [1045, 'auth-failed', 'critical', 'the user is hz'],
  [1130, 'auth-failed', 'critical', 'nobody may log in from this host'],
  [3118, 'auth-failed', 'critical', 'the account of the user hz is locked'],
  [1862, 'auth-failed', 'critical', 'the password of the user hz has expired'],
  [3159, 'auth-failed', 'critical', 'it lets nobody in without TLS'],
  [1524, 'auth-failed', 'critical', 'a way to log in that the server has switched off'],
  [3955, 'auth-failed', 'critical', 'blocked after too many wrong passwords'],
])('error %i is %s (%s)', (errno, kind, severity, words) => {
  expect(told(errno)).toEqual([kind, severity, expect.stringContaining(words)])
})

test('of a message only the figure of its own limit is taken', () => {
  const message = "User 'hz' has exceeded the 'max_user_connections' resource (current value: 3)"
  expect(told(1226, message)[2]).toBe(
    "db:3306 is up, but the watchman's own user hz has reached its limit of 3",
  )
})

test('a login without a password says that one is missing', () => {
  expect(told(1045, '', placeOf(options.parse({ url: 'mysql://hz@db' })))[0]).toBe('auth-missing')
})

test('what is not known is no verdict on the server', () => {
  expect(refusal(4242, place)).toBeInstanceOf(CannotTell)
})
