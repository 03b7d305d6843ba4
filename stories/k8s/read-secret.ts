import { readFile } from 'node:fs/promises'
import { CannotTell, Secret, say } from 'healthz'

/** What a file holds, without the blanks around it. @throws CannotTell */
export async function readSecret(file: string): Promise<Secret> {
  try {
    return new Secret((await readFile(file, 'utf8')).trim())
  } catch {
    throw new CannotTell(say`the file ${file} cannot be read on this node`)
  }
}
