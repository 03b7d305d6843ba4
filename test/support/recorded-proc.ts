import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeTempDir } from './servers/temp-dir.ts'

/** A directory with files as `/proc` had them somewhere, for what cannot be provoked here. */
export interface RecordedProc extends AsyncDisposable {
  readonly path: string
  /** Writes or replaces a file below it. */
  write(file: string, text: string): Promise<void>
}

export async function recordProc(files: Readonly<Record<string, string>> = {}): Promise<RecordedProc> {
  const dir = await makeTempDir()
  const write: RecordedProc['write'] = async (file, text) => {
    const path = join(dir.path, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  await write('stat', 'cpu  18956 0 12365\ncpu0 9851 0 5854\ncpu1 9104 0 6510\nbtime 1795215405\n')
  await write('1/stat', processStat(1, 'systemd'))
  for (const [file, text] of Object.entries(files)) await write(file, text)
  return { path: dir.path, write, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

/** A line as in `/proc/<pid>/stat`. */
export function processStat(pid: number, comm: string, state = 'S', parent = 1): string {
  return `${pid} (${comm}) ${state} ${parent} ${pid} ${pid} 0 -1 4194560 46528 1792886 0 834 146 405 3119 1815 10 -10 13 0 24 53624832 5141\n`
}
