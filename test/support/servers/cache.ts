import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What was fetched for the tests stays in the user's cache, or where HEALTHZ_TEST_CACHE says, for the next run. */
const cache = process.env['HEALTHZ_TEST_CACHE'] ?? join(homedir(), '.cache', 'healthz-test')

/** A directory of the cache, made once. Of several that make it at the same time, the first one's is kept. */
export async function kept(name: string, make: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(cache, name)
  if (existsSync(dir)) return dir
  const draft = `${dir}.${process.pid}`
  await mkdir(draft, { recursive: true })
  try {
    await make(draft)
    await rename(draft, dir)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(dir)) throw error
  }
  return dir
}
