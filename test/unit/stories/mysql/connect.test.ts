import { expect, test } from 'vitest'
import { ConnectionFailure } from '../../../../src/core/failure.ts'
import mysql from '../../../../stories/mysql/index.ts'
import type { Server } from '../../../../stories/mysql/target.ts'
import { teller } from '../../../support/teller.ts'

test('a server that hangs once it has let us in is one problem', async () => {
  const hang = async () => {
    throw new ConnectionFailure('timeout-reply', 'db:3306')
  }
  const server: Server = {
    ...{ address: 'db:3306', user: 'hz', isMariadb: true, version: '10.11', hostname: 'db' },
    ...{ startedAt: 1, uptime: 1000, isReadOnly: false },
    ...{ ask: hang, status: hang, run: hang },
    [Symbol.asyncDispose]: async () => {},
  }
  const told = await teller({ ...mysql, open: () => server }, { host: 'db', user: 'hz' }).tell()
  expect(told.step('connect').findings).toMatchObject([
    { key: '', severity: 'critical', evidence: { kind: 'timeout-reply', address: 'db:3306' } },
  ])
  const others = Object.values(told.steps).filter(({ step }) => step !== 'connect')
  expect(new Set(others.map(({ outcome }) => outcome))).toEqual(new Set(['skipped']))
})
