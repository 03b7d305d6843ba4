import { closeSync, constants, openSync, readSync } from 'node:fs'

/** The name of the last process that the kernel killed for lack of memory; null where its log may not be read. */
export async function lastVictim(): Promise<string | null> {
  return parseVictim(readKernelLog())
}

export function parseVictim(log: string): string | null {
  return [...log.matchAll(/Killed process \d+ \(([^\n]{1,15}?)\)/g)].at(-1)?.[1] ?? null
}

/** Each read gives one record and never waits: the end is an error. Records lost in between are skipped. */
function readKernelLog(): string {
  const records: string[] = []
  const buffer = Buffer.alloc(8192)
  let fd: number
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    // Only root may, and a container has none: the kill is known without the name.
    return ''
  }
  try {
    for (let i = 0; i < mostRecords; i += 1) {
      const record = readRecord(fd, buffer)
      if (record === null) break
      if (record.includes('Killed process')) records.push(record)
    }
  } finally {
    closeSync(fd)
  }
  return records.join('\n')
}

const mostRecords = 50_000

function readRecord(fd: number, buffer: Buffer): string | null {
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer))
  } catch (error) {
    const wasOverwritten = error instanceof Error && 'code' in error && error.code === 'EPIPE'
    return wasOverwritten ? '' : null
  }
}
