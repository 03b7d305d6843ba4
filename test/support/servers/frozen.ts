import { readdirSync, readFileSync } from 'node:fs'
import type { ServerProcess } from './process.ts'
import { until } from './until.ts'

/** Stops a server, and waits until each of its threads stands still: on a busy machine some go on for a moment. */
export async function freezeWhole(server: ServerProcess): Promise<void> {
  server.freeze()
  const tasks = `/proc/${server.pid()}/task`
  await until('every thread stands still', () =>
    readdirSync(tasks).every((id) => / T /.test(readFileSync(`${tasks}/${id}/stat`, 'utf8'))),
  )
}
