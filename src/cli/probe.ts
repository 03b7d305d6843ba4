import { request } from '../clients/request.ts'
import { ConnectionFailure } from '../core/failure.ts'
import { render, say } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import { loadConfiguration } from './load.ts'
import type { RootOptions } from './root-options.ts'

/** `healthz probe`: 0 where the daemon on this host answers 200, else 1. */
export async function probe(path: string, options: RootOptions, context: Context): Promise<number> {
  const plan = await loadConfiguration(options, context)
  const tell = (text: Parameters<typeof render>[0]) => render(text, plan.language)
  if (plan.http === null)
    throw new CommandFault(tell(say`healthz: http is off in this configuration: there is nothing to ask`))
  const host = ['0.0.0.0', '::', '[::]'].includes(plan.http.host) ? '127.0.0.1' : plan.http.host
  const url = URL.parse(
    path,
    `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${plan.http.port}`,
  )
  if (url === null) throw new CommandFault(tell(say`healthz: "${path}" is not a path`))
  try {
    const { status, body } = await request(url, {
      signal: context.signal,
      timeout: 3000,
      connectTimeout: 2000,
    })
    await context.stdout.write(body)
    return status === 200 ? 0 : 1
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error
    await context.stderr.write(`healthz: ${tell(error.summary)}\n`)
    return 1
  }
}
