import { randomInt } from 'node:crypto'

/*
 * Each worker of a run has ports of its own, below those that the kernel gives to whoever asks for any. What a test
 * has found free, or has taken down for a while, is taken by nobody else then.
 */
const [first, each, workers] = [12_000, 5000, 4]

const pool = Number(process.env['VITEST_POOL_ID'] ?? 0) % workers
let count = randomInt(each)

/** Tries `listen` with one port after the other while another program has them; none comes again soon. */
export async function onOwnPort<T>(listen: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    count = (count + 1) % each
    try {
      return await listen(first + pool * each + count)
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!isTaken || tries === each) throw error
    }
  }
}
