import { expect, test } from 'vitest'
import { render } from '../../../../src/core/text.ts'
import { type Channel, showStatement, toChannel } from '../../../../stories/mysql/channels.ts'
import { lagsOf } from '../../../../stories/mysql/replica-lag.ts'
import { problemOf } from '../../../../stories/mysql/replica-threads.ts'
import { isCurable } from '../../../../stories/mysql/start-replica.ts'

/** From the reference of MySQL 8.4: the columns that are read. */
const mysql84 = {
  Replica_IO_State: 'Waiting for source to send event',
  Source_Host: 'db1',
  Source_Port: 3306,
  Replica_IO_Running: 'Yes',
  Replica_SQL_Running: 'Yes',
  Seconds_Behind_Source: 12,
  Last_IO_Errno: 0,
  Last_SQL_Errno: 0,
  SQL_Delay: 5,
  Channel_Name: 'east',
}

/** Recorded of MariaDB 10.11. */
const mariadb = {
  Connection_name: '',
  Slave_IO_State: 'Reconnecting after a failed master event read',
  Master_Host: '127.0.0.1',
  Master_Port: 3401,
  Slave_IO_Running: 'Connecting',
  Slave_SQL_Running: 'Yes',
  Seconds_Behind_Master: null,
  Last_IO_Errno: 2003,
  Last_SQL_Errno: 0,
  SQL_Delay: 0,
}

test('both spellings of the columns are read', () => {
  expect(toChannel(mysql84)).toEqual({
    ...{ name: 'east', source: 'db1:3306', io: 'Yes', sql: 'Yes' },
    ...{ ioErrno: 0, sqlErrno: 0, lag: 12, delay: 5 },
  })
  expect(toChannel(mariadb)).toEqual({
    ...{ name: '', source: '127.0.0.1:3401', io: 'Connecting', sql: 'Yes' },
    ...{ ioErrno: 2003, sqlErrno: 0, lag: null, delay: 0 },
  })
})

test('each version is asked in the words it knows', () => {
  expect(showStatement({ isMariadb: true, version: '10.11.19-MariaDB' })).toBe('show all slaves status')
  expect(showStatement({ isMariadb: false, version: '5.7.44-log' })).toBe('show slave status')
  expect(showStatement({ isMariadb: false, version: '8.0.21' })).toBe('show slave status')
  expect(showStatement({ isMariadb: false, version: '8.0.22-13' })).toBe('show replica status')
  expect(showStatement({ isMariadb: false, version: '8.4.0' })).toBe('show replica status')
  expect(showStatement({ isMariadb: false, version: '9.1.0' })).toBe('show replica status')
})

test('the delay that is meant to be is no lag, and an unknown lag is not 0', () => {
  const channel = toChannel(mysql84)
  expect(lagsOf([channel, { ...channel, name: 'b', lag: null }, { ...channel, name: 'c', lag: 3 }])).toEqual({
    east: 7,
    b: null,
    c: 0,
  })
})

const well: Channel = { ...toChannel(mysql84), delay: 0, name: '' }
const words = (channel: Channel) => render(problemOf(channel)?.summary ?? '')

test('each way of standing still is told as what it is', () => {
  expect(problemOf(well)).toBeNull()
  expect(problemOf({ ...well, io: 'No', sql: 'No' })).toMatchObject({ severity: 'warning' })
  expect(problemOf({ ...well, io: 'No' })).toMatchObject({ severity: 'warning' })
  expect(problemOf({ ...well, io: 'Connecting', ioErrno: 2003 })).toMatchObject({
    severity: 'critical',
    confirm: 2,
  })
  expect(problemOf({ ...well, io: 'Preparing' })).toMatchObject({ severity: 'critical', confirm: 2 })
  expect(words({ ...well, io: 'No', ioErrno: 1236 })).toContain(
    'no longer has the changes that are wanted next',
  )
  expect(words({ ...well, io: 'Connecting', ioErrno: 1045 })).toContain(
    'refuses the login of the replica (error 1045)',
  )
  // MySQL 8 has other numbers for these two, and one that is its own.
  for (const [old, since8] of [
    [1236, 13_114],
    [1593, 13_117],
  ] as const) {
    const asBefore = words({ ...well, io: 'No', ioErrno: old }).replace(`${old}`, `${since8}`)
    expect(words({ ...well, io: 'No', ioErrno: since8 })).toBe(asBefore)
  }
  expect(words({ ...well, io: 'Connecting', ioErrno: 2061 })).toContain('wants a secure connection')
  expect(words({ ...well, sql: 'No', sqlErrno: 1032 })).toContain('a row that should be changed is not there')
  expect(words({ ...well, sql: 'No', sqlErrno: 4242 })).toContain('applying a change failed (error 4242)')
})

test('only what gave up on the network is started again', () => {
  expect(isCurable({ ...well, io: 'No', ioErrno: 2003 })).toBe(true)
  expect(isCurable({ ...well, io: 'Connecting', ioErrno: 2003 })).toBe(false)
  expect(isCurable({ ...well, io: 'No' })).toBe(false)
  expect(isCurable({ ...well, io: 'No', ioErrno: 1236 })).toBe(false)
  expect(isCurable({ ...well, io: 'No', ioErrno: 2003, sql: 'No', sqlErrno: 1062 })).toBe(false)
})
