import { bytes, milliseconds, say, z } from 'healthz'
import { noTables, systemDatabases } from './counters.ts'
import { hourly } from './hourly.ts'
import { numberOf, type Server, step, textOf } from './target.ts'

const GiB = 2 ** 30

/** No table is too large to be backed up and altered in reasonable time. */
export const tableSize = step({
  title: say`no table is too large to be handled`,
  on: false,
  confirm: 1,
  limits: z.strictObject({ tableGiB: z.number().positive().default(100) }),
  async check(context) {
    const { target, limits, note, problem, cannotTell, grade } = context
    const most = limits.tableGiB * GiB
    const { answer, earlier } = await hourly(
      context,
      () => readLargest(target),
      (tables) => tables.length > 0 && tables.every(({ size }) => size <= most),
    )
    const [first] = answer
    if (first === undefined) return cannotTell(noTables(target.user))
    note(say`the largest is ${first.name} with ${bytes(first.size)}`)
    for (const { name, size } of answer) {
      const severity = grade(size, { warning: most }, name)
      if (severity === null) continue
      const before = earlier?.answer.find((table) => table.name === name)
      const said = say`the table ${name} holds ${bytes(size)} (limit ${bytes(most)})`
      problem({
        key: name,
        severity,
        summary:
          earlier && before && before.size < size
            ? say`${said}, ${bytes(size - before.size)} more than ${milliseconds(earlier.ago)} ago`
            : said,
        advice: say`move old rows to an archive, or split the table into partitions`,
        evidence: { table: name, bytes: size, limitBytes: most },
      })
    }
  },
})

interface Table {
  /** `database.table`. */
  readonly name: string
  /** Bytes of rows and indexes, as the server estimates them. */
  readonly size: number
}

async function readLargest(server: Server): Promise<readonly Table[]> {
  const rows = await server.ask(
    `select table_schema as db, table_name as name, data_length + index_length as size
     from information_schema.tables
     where table_type = 'BASE TABLE' and data_length is not null and table_schema not in (?)
     order by size desc limit 10`,
    { values: [systemDatabases] },
  )
  return rows.map((row) => ({
    name: `${textOf(row, 'db')}.${textOf(row, 'name')}`,
    size: numberOf(row, 'size') ?? 0,
  }))
}
