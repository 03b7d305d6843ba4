import { expect, test } from 'vitest'
import { type Asked, RedisRefusal, refusalOf } from '../../../../src/clients/redis/refusal.ts'
import { ConnectionFailure, type FailureKind } from '../../../../src/core/failure.ts'
import { CannotTell } from '../../../../src/core/story.ts'
import { render } from '../../../../src/core/text.ts'

const asked: Asked = {
  address: 'r:6379',
  command: 'GET',
  args: ['secret-key'],
  user: 'default',
  hasPassword: true,
}

test.each<[string, FailureKind]>([
  ['WRONGPASS invalid username-password pair or user is disabled.', 'auth-failed'],
  ['ERR invalid password', 'auth-failed'],
  ['NOAUTH Authentication required.', 'auth-failed'],
  ["NOPERM this user has no permissions to run the 'get' command", 'not-allowed'],
  ['LOADING Redis is loading the dataset in memory', 'starting'],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'busy'],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'read-only'],
  ["READONLY You can't write against a read only replica.", 'read-only'],
  [
    'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
    'read-only',
  ],
  ['NOREPLICAS Not enough good replicas to write.', 'read-only'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'read-only'],
  ['MOVED 12182 127.0.0.1:7002', 'redirect'],
  ['ASK 12182 127.0.0.1:7002', 'redirect'],
  ['CLUSTERDOWN Hash slot not served', 'redirect'],
  ['DENIED Redis is running in protected mode', 'reset'],
  ['ERR max number of clients reached', 'too-many'],
  ['ERR DB index is out of range', 'not-found'],
])('%s', (reply, kind) => {
  expect(refusalOf(reply, asked)).toMatchObject({ name: 'ConnectionFailure', kind, address: 'r:6379' })
})

test('without a password in the configuration a login is missing, not wrong', () => {
  const failure = refusalOf('NOAUTH Authentication required.', { ...asked, hasPassword: false })
  expect(failure).toMatchObject({ kind: 'auth-missing' })
})

test('a command that the server does not know cannot be told from', () => {
  const error = refusalOf("ERR unknown command 'CONFIG', with args beginning with: 'GET' 'secret'", {
    ...asked,
    command: 'config',
    args: ['get', 'secret'],
  })
  expect(error).toBeInstanceOf(CannotTell)
  expect(render((error as CannotTell).reason)).toBe(
    'this server does not know CONFIG GET: it is of another version, or has it switched off',
  )
})

test('other errors keep their first word and the command, nothing else', () => {
  const error = refusalOf('WRONGTYPE Operation against a key holding the wrong kind of value', asked)
  expect(error).toBeInstanceOf(RedisRefusal)
  expect(error).toMatchObject({ code: 'WRONGTYPE', message: 'GET: refused with WRONGTYPE' })
  expect(error).not.toBeInstanceOf(ConnectionFailure)
})

test.each([
  ['CONFIG', ['GET', 'save'], '+config|get'],
  ['BGSAVE', [], '+bgsave'],
  ['SCRIPT', ['KILL'], '+script|kill'],
])('the right that is missing for %s %j is %s', (command, args, right) => {
  const reply = `NOPERM User healthz has no permissions to run the '${command}' command`
  const failure = refusalOf(reply, { ...asked, command, args, user: 'healthz' }) as ConnectionFailure
  expect(render(failure.summary)).toBe(
    `r:6379 does not allow this: the user healthz lacks the right ${right}`,
  )
})
