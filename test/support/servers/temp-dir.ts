import { mkdtemp, rm } from 'node:fs/promises'

/**
 * An empty directory of its own, removed with all that is in it on disposal. Its path is short, since the path
 * of a Unix socket is limited to 107 bytes. Within a test run it lies in the directory of the run.
 */
export async function makeTempDir(): Promise<TempDir> {
  const path = await mkdtemp(`${runDir() ?? '/tmp'}/hz-`)
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  }
}

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

/** The directory that all workers of one test run share; undefined outside of a run. */
export function runDir(): string | undefined {
  return process.env['HEALTHZ_TEST_DIR']
}
