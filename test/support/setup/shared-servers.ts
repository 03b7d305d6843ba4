import { createServer, type ServerResponse } from 'node:http'
import { startListening } from '../servers/listening.ts'
import { startRabbitmq } from '../servers/rabbitmq.ts'
import { killProcessesOf } from '../servers/sessions.ts'
import { makeTempDir } from '../servers/temp-dir.ts'

/**
 * Gives the run a directory, and an address at which workers ask for the servers that all of them share. Nothing
 * is started before the first one asks; the servers belong to this process, so they outlive the worker that asked.
 */
export default async function shareServers(): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack()
  const run = stack.use(await makeTempDir())
  process.env['HEALTHZ_TEST_DIR'] = run.path
  stack.defer(() => killProcessesOf(run.path))
  const rabbitmq = onFirstAsk(stack, startRabbitmq)
  const listening = stack.use(
    await startListening(() => ({
      server: createServer((request, response) => {
        if (request.url === '/rabbitmq') return void reply(response, rabbitmq())
        response.writeHead(404).end()
      }),
    })),
  )
  process.env['HEALTHZ_TEST_SHARED'] = `http://127.0.0.1:${listening.port}`
  const owned = stack.move()
  return () => owned.disposeAsync()
}

/** Starts the server once, however many ask at the same time. */
function onFirstAsk<T extends AsyncDisposable>(
  stack: AsyncDisposableStack,
  start: () => Promise<T>,
): () => Promise<T> {
  let started: Promise<T> | undefined
  stack.defer(async () => {
    await (await started?.catch(() => undefined))?.[Symbol.asyncDispose]()
  })
  return () => {
    started ??= start()
    return started
  }
}

/** JSON leaves out the functions of a server: what remains is what another process may know of it. */
async function reply(response: ServerResponse, server: Promise<object>): Promise<void> {
  try {
    response.end(JSON.stringify(await server))
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
}
