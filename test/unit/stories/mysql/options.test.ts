import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import mysql from '../../../../stories/mysql/index.ts'
import { options, placeOf } from '../../../../stories/mysql/options.ts'

const faults = (input: unknown) => options.safeParse(input).error?.issues.map(({ message }) => message)

test('a URL holds it all, and other options win', () => {
  const place = placeOf(options.parse({ url: 'mysql://hz:p%40ss@[::1]:3307/shop', user: 'other' }))
  expect(place).toMatchObject({
    to: { host: '::1', port: 3307 },
    address: '::1:3307',
    user: 'other',
    database: 'shop',
  })
  expect(place.password?.reveal()).toBe('p@ss')
  expect(inspect(place, { depth: 9 })).not.toContain('p@ss')
  expect(placeOf(options.parse({ url: 'mariadb://hz@db' }))).toMatchObject({ address: 'db:3306', tls: null })
})

test('a socket and a host are other ways', () => {
  expect(placeOf(options.parse({ socket: '/run/m.sock', user: 'hz' }))).toMatchObject({
    to: { path: '/run/m.sock' },
    address: '/run/m.sock',
  })
  expect(placeOf(options.parse({ host: 'db', user: 'hz', tls: true, insecure: true }))).toMatchObject({
    address: 'db:3306',
    tls: { insecure: true },
  })
})

test('what cannot be meant is a fault', () => {
  expect(faults({ user: 'hz' })).toEqual(['give exactly one of "url", "host" and "socket"'])
  expect(faults({ user: 'hz', host: 'db', socket: '/s' })).toHaveLength(1)
  expect(faults({ host: 'db' })).toEqual(['who should log in?'])
  expect(faults({ url: 'mysql://hz@db', port: 1 })).toEqual(['a port needs a "host"'])
  expect(faults({ url: 'mysql://hz@db?ssl=1' })).toEqual(['options go beside the URL, not after its "?"'])
  expect(faults({ url: 'postgres://hz:hunter2SECRET@db' })?.join()).not.toContain('hunter2SECRET')
  expect(
    faults({ host: 'db', user: 'hz', queries: [{ name: 'x', sql: 'select 1', warn: 'high' }] }),
  ).toHaveLength(1)
})

test('all limits have their defaults', () => {
  for (const step of Object.values(mysql.steps)) step.limits?.parse({})
})
