import { expect, test } from 'vitest'
import { parse } from 'yaml'
import beat from '../../../stories/beat/index.ts'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { startMariadb } from '../../support/servers/mariadb.ts'
import { teller } from '../../support/teller.ts'

/** The tables of django-celery-beat 2.x, with the columns that are asked for, and the user of the guide. */
const tables = [
  `create database shop`,
  `create table shop.django_celery_beat_intervalschedule (id int primary key, every int, period varchar(24))`,
  `create table shop.django_celery_beat_periodictask (id int auto_increment primary key, name varchar(200),
    enabled tinyint(1), last_run_at datetime(6) null, interval_id int null, crontab_id int null)`,
  `insert into shop.django_celery_beat_intervalschedule values (1, 10, 'seconds'), (2, 2, 'hours')`,
  `create user healthz@'%' identified by 'hz-own'`,
]

describeWith(['mariadb'], 'the schedule of django-celery-beat', () => {
  test('late tasks are told by the query of the guide, with the rights of the guide', async () => {
    await using server = await startMariadb()
    for (const statement of tables) await server.query(statement)
    const grants = (beat.guide?.rights ?? '').split('\n').filter((line) => line.startsWith('GRANT'))
    for (const grant of grants) await server.query(grant)
    const late = (name: string, seconds: number, interval: number | null, enabled = 1) =>
      server.query(
        `insert into shop.django_celery_beat_periodictask (name, enabled, last_run_at, interval_id)
         values ('${name}', ${enabled}, utc_timestamp() - interval ${seconds} second, ${interval})`,
      )
    const example = parse(beat.guide?.example ?? '').find(({ story }: { story: string }) => story === 'mysql')
    const login = { url: `mysql://127.0.0.1:${server.port}`, password: 'hz-own' }
    const telling = teller(mysql, { ...example.with, ...login })

    await late('in time', 60, 1)
    await late('slow, in time', 5 * 3600, 2)
    await late('switched off', 9000, 1, 0)
    await late('by a crontab', 9000, null)
    expect((await telling.tell('query')).step('query')).toMatchObject({ outcome: 'ok' })

    await late('late', 100, 1)
    await late('slow and late', 7 * 3600, 2)
    const told = (await telling.tell('query')).step('query')
    expect(told.findings).toMatchObject([{ severity: 'warning', evidence: expect.anything() }])
    expect(JSON.stringify(told.findings[0]?.summary)).toMatch(/\b2\b/)
  })
})
