import { dirname, relative, resolve } from 'node:path'
import { say } from '../core/text.ts'
import { ConfigFaults } from './fault.ts'
import type { ConfigText } from './parse.ts'
import { readText, Unreadable } from './read-text.ts'

const mostBytes = 1_048_576

/** What is watched where no file says otherwise: this host, and the program itself. */
const builtIn: ConfigText = {
  name: '(built in)',
  folder: '.',
  text: 'stories:\n  - story: host\n  - story: process\n',
}

/** The text of the configuration file, at most 1 MiB; null stands for the built-in one. Throws `ConfigFaults`. */
export async function readConfigFile(file: string | null): Promise<ConfigText> {
  if (file === null) return builtIn
  const path = resolve(file)
  const name = relative('', path).startsWith('..') ? path : relative('', path)
  try {
    return { name, folder: dirname(path), text: await readText(path, mostBytes) }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new ConfigFaults([
      { file: name, line: 0, column: 0, message: say`the configuration file ${error.reason}` },
    ])
  }
}
