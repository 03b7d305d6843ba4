import { styleText } from 'node:util'
import { type Digest, defineChannel, say, z } from 'healthz'

/** Prints alarms where the program runs: for `--once`, for containers whose output is collected, and to begin with. */
export default defineChannel({
  title: say`Console`,
  options: z.strictObject({
    to: z.enum(['stdout', 'stderr']).default('stdout').meta({ description: 'where to print' }),
  }),
  async send({ options, digest, signal }) {
    signal.throwIfAborted()
    const stream = process[options.to]
    const hasColours = stream.isTTY && stream.hasColors()
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      stream.write(blockOf(digest, hasColours), (error) => {
        signal.removeEventListener('abort', giveUp)
        if (error) reject(error)
        else resolve()
      })
    })
  },
})

/** The digest as one block, an empty line behind it; plain text unless it may have colours. */
export function blockOf(digest: Digest, hasColours: boolean): string {
  const colour = { critical: 'red', warning: 'yellow', ok: 'green' } as const
  const subject = hasColours
    ? styleText(['bold', colour[digest.severity]], digest.subject, { validateStream: false })
    : digest.subject
  return `${subject}\n\n${digest.text}\n\n`
}
