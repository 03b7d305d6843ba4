import { CannotTell, say } from 'healthz'
import type { Row } from './session.ts'
import { numberOf, type Server, textOf } from './target.ts'

/** The automatic numbers of the tables that the watchman may see. */
export interface Counters {
  readonly tables: number
  readonly databases: number
  /** A few, fullest first. */
  readonly fullest: readonly Counter[]
}

export interface Counter {
  /** `database.table`. */
  readonly table: string
  readonly column: string
  /** As it is declared: `int(10) unsigned`. */
  readonly type: string
  /** The next number to be given. */
  readonly next: number
  readonly highest: number
}

/** The databases of the server itself. */
export const systemDatabases = ['mysql', 'sys', 'information_schema', 'performance_schema']

/** @throws CannotTell where no table may be seen: then all of them could be full. */
export async function readCounters(server: Server): Promise<Counters> {
  const [seen] = await server.ask(
    `select count(*) as tableCount, count(distinct table_schema) as databaseCount
     from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in (?)`,
    { values: [systemDatabases] },
  )
  const tables = numberOf(seen, 'tableCount') ?? 0
  if (tables === 0) throw new CannotTell(noTables(server.user))
  const rows = await server.ask(
    `select c.table_schema as db, c.table_name as name, c.column_name as col, c.column_type as type,
       t.auto_increment as next
     from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where c.extra like '%auto_increment%' and t.auto_increment > 1 and c.table_schema not in (?)`,
    { values: [systemDatabases] },
  )
  const counters = rows.map(toCounter).filter((counter) => counter !== null)
  return {
    tables,
    databases: numberOf(seen, 'databaseCount') ?? 0,
    fullest: counters.toSorted((a, b) => usedOf(b) - usedOf(a)).slice(0, 20),
  }
}

/** What keeps a user without rights on any table from being told that all tables are fine. */
export function noTables(user: string) {
  return say`the user ${user} sees no table; grant it SELECT on the databases to watch`
}

/** How much of the numbers is used, in percent. */
export function usedOf({ next, highest }: Counter): number {
  return ((next - 1) / highest) * 100
}

/** The highest number that a column of this type takes; null where it is no type that counts. */
export function highestOf(columnType: string): number | null {
  const [kind = ''] = /^[a-z]+/.exec(columnType.toLowerCase()) ?? []
  const highest = highestSigned.get(kind)
  if (highest === undefined) return null
  return /\b(unsigned|zerofill)\b/i.test(columnType) && !kind.startsWith('float') && kind !== 'double'
    ? highest * 2 + 1
    : highest
}

/** Floating point counts exactly up to here. */
const highestSigned: ReadonlyMap<string, number> = new Map([
  ['tinyint', 127],
  ['smallint', 32_767],
  ['mediumint', 8_388_607],
  ['int', 2_147_483_647],
  ['bigint', 2 ** 63],
  ['float', 16_777_216],
  ['double', Number.MAX_SAFE_INTEGER],
])

function toCounter(row: Row): Counter | null {
  const type = textOf(row, 'type')
  const [next, highest] = [numberOf(row, 'next'), highestOf(type)]
  if (next === null || highest === null) return null
  return {
    table: `${textOf(row, 'db')}.${textOf(row, 'name')}`,
    column: textOf(row, 'col'),
    type,
    next,
    highest,
  }
}
