import { open } from 'node:fs/promises'
import { bytes, say, type Text } from '../core/text.ts'

/** A file could not be read as text. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
  /** Why, as the end of a sentence about the file. */
  readonly reason: Text

  constructor(reason: Text, cause?: unknown) {
    super('unreadable', { cause })
    this.reason = reason
  }
}

/** The text of a file, a pipe or a device of at most `most` bytes, without a byte order mark. Throws `Unreadable`. */
export async function readText(path: string, most: number): Promise<string> {
  const content = await readBytes(path, most)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (error) {
    throw new Unreadable(say`is not UTF-8 text`, error)
  }
}

/** A pipe does not know its length: what is read is counted. */
const chunkBytes = 16_384

async function readBytes(path: string, most: number): Promise<Buffer> {
  try {
    await using file = await open(path)
    if ((await file.stat()).isDirectory()) throw new Unreadable(say`is a directory`)
    const chunks: Uint8Array[] = []
    let length = 0
    while (length <= most) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(chunkBytes) })
      if (bytesRead === 0) return Buffer.concat(chunks)
      chunks.push(buffer.subarray(0, bytesRead))
      length += bytesRead
    }
    throw new Unreadable(say`is larger than ${bytes(most)}`)
  } catch (error) {
    if (error instanceof Unreadable) throw error
    throw new Unreadable(reasonOf(error), error)
  }
}

function reasonOf(error: unknown): Text {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return say`is not there`
  if (code === 'EACCES' || code === 'EPERM') return say`may not be read by this user`
  return say`cannot be read: ${code ?? 'unknown error'}`
}
